//! Sending over SMTP, with TLS by rustls.

use super::outbox::{Mailer, Refusal};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use guildhall_store::Mail;
use lettre::message::{Mailbox, SinglePart};
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use std::fmt;
use std::time::Duration;

/// How long one exchange with the mail server may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Why mail cannot be set up. Never says the address, which can hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmtpError {
    /// The server's address cannot be used.
    Address,
    /// The sender is no mailbox.
    Sender,
    /// The certificates that are to be trusted cannot be read.
    Certificates,
}

impl fmt::Display for SmtpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => "the mail server's address cannot be used",
            Self::Sender => "the sender is no mailbox such as `Site <no-reply@example.com>`",
            Self::Certificates => "the mail server's authorities are no certificates in PEM, or not needed",
        })
    }
}

impl std::error::Error for SmtpError {}

/// A mail server.
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl SmtpMailer {
    /// A server by its address: `smtps://user:password@host`, or `smtp://…`, which must then offer
    /// STARTTLS unless it is this machine itself or the address says `?tls=none`. With `authorities`,
    /// certificates in PEM, only what these have signed is trusted. Nothing is connected yet.
    ///
    /// # Errors
    /// [`SmtpError`].
    pub fn new(url: &str, from: &str, authorities: Option<&str>) -> Result<Self, SmtpError> {
        let from = from.parse().map_err(|_| SmtpError::Sender)?;
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(&with_tls(url));
        let mut builder = builder.map_err(|_| SmtpError::Address)?;
        if let Some(authorities) = authorities {
            builder = builder.tls(tls_trusting(url, authorities)?);
        }
        let transport = builder.timeout(Some(TIMEOUT)).pool_config(PoolConfig::new().max_size(2)).build();
        Ok(Self { transport, from })
    }

    /// The message with its headers. Addresses and subject are encoded by the library, which refuses
    /// or folds whatever could start another header.
    fn message(&self, mail: &Mail) -> Result<Message, Refusal> {
        let never = |what: &str| Refusal::Never(format!("the mail cannot be written: {what}"));
        let to = mail.to.parse().map_err(|_| never("its recipient is no address"))?;
        let id = message_id(mail, self.from.email.domain());
        let message = Message::builder().message_id(Some(id)).from(self.from.clone());
        let message = message.to(Mailbox::new(None, to));
        let message = message.subject(mail.subject.clone()).singlepart(SinglePart::plain(mail.text.clone()));
        message.map_err(|_| never("its text cannot be encoded"))
    }
}

impl Mailer for SmtpMailer {
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), Refusal>> {
        async move {
            let message = self.message(mail)?;
            match self.transport.send(message).await {
                Ok(_) => Ok(()),
                Err(error) if is_about_recipient(&error) => Err(Refusal::Never(said(&error))),
                Err(error) => Err(Refusal::Later(said(&error))),
            }
        }
        .boxed()
    }
}

/// Whether the server will never take this mail because of its recipient. Any other refusal, such as
/// of our password, ends when an operator mends it, and the mail must still be there then.
fn is_about_recipient(error: &lettre::transport::smtp::Error) -> bool {
    let code = error.status().map(|code| code.to_string());
    code.is_some_and(|code| ["550", "551", "553"].contains(&code.as_str()))
}

/// What a failure was, without words of the server's.
fn said(error: &lettre::transport::smtp::Error) -> String {
    match error.status() {
        Some(code) => format!("the mail server answered {code}"),
        None if error.is_timeout() => "the mail server did not answer in time".to_owned(),
        None if error.is_tls() => "no secure connection to the mail server".to_owned(),
        None => "no connection to the mail server".to_owned(),
    }
}

/// The same for every try at sending a mail, so that one that was sent twice shows as one.
fn message_id(mail: &Mail, domain: &str) -> String {
    format!("<{}.{}@{domain}>", mail.created_at.micros(), mail.number)
}

/// TLS as the address asks for it, trusting nobody but these.
fn tls_trusting(url: &str, authorities: &str) -> Result<Tls, SmtpError> {
    let found = Some(authorities).filter(|text| text.contains("-----BEGIN CERTIFICATE-----"));
    let found = found.and_then(|text| Certificate::from_pem(text.as_bytes()).ok());
    let parameters = TlsParameters::builder(host(url).to_owned())
        .certificate_store(CertificateStore::None)
        .add_root_certificate(found.ok_or(SmtpError::Certificates)?)
        .build()
        .map_err(|_| SmtpError::Certificates)?;
    match url.rsplit_once("?tls=").map(|(_, tls)| tls) {
        _ if url.starts_with("smtps://") => Ok(Tls::Wrapper(parameters)),
        Some("none") => Err(SmtpError::Certificates),
        Some("opportunistic") => Ok(Tls::Opportunistic(parameters)),
        // Whoever names authorities wants them asked, also on this machine.
        _ => Ok(Tls::Required(parameters)),
    }
}

/// The name of the machine in an address, without its port.
fn host(url: &str) -> &str {
    let authority = url.split_once("://").map_or("", |(_, authority)| authority);
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = host.split(['/', '?']).next().unwrap_or_default();
    let named = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    named.map_or(host, |(name, _)| name)
}

/// Passwords and codes do not travel in the clear because a parameter was forgotten.
fn with_tls(url: &str) -> String {
    if let Some(plain) = url.strip_suffix("?tls=none") {
        return plain.to_owned();
    }
    let local = ["127.0.0.1", "localhost", "[::1]"].contains(&host(url));
    if url.starts_with("smtp://") && !local && !url.contains('?') {
        return format!("{url}?tls=required");
    }
    url.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_authorities_are_certificates_and_need_a_secure_connection() {
        let new = |url, authorities| SmtpMailer::new(url, "no-reply@example.com", Some(authorities)).err();
        let broken = "-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n";
        for authorities in ["", "no certificate", broken] {
            assert_eq!(new("smtps://mail.example.com", authorities), Some(SmtpError::Certificates));
        }
    }

    #[test]
    fn plain_smtp_to_elsewhere_demands_starttls() {
        assert_eq!(
            with_tls("smtp://u:p@mail.example.com:587"),
            "smtp://u:p@mail.example.com:587?tls=required"
        );
        for kept in
            ["smtps://u:p@mail.example.com", "smtp://127.0.0.1:25", "smtp://localhost", "smtp://[::1]:25"]
        {
            assert_eq!(with_tls(kept), kept);
        }
        assert_eq!(with_tls("smtp://localhost.example.com"), "smtp://localhost.example.com?tls=required");
        assert_eq!(with_tls("smtp://mail.local?tls=none"), "smtp://mail.local");
    }
}
