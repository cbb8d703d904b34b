//! Sending over SMTP, with TLS by rustls.

use super::outbox::{Mailer, Refusal};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use guildhall_store::Mail;
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::PoolConfig;
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
}

impl fmt::Display for SmtpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => "the mail server's address cannot be used",
            Self::Sender => "the sender is no mailbox such as `Site <no-reply@example.com>`",
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
    /// STARTTLS unless it is this machine itself or the address says `?tls=none`. Nothing is connected
    /// yet.
    ///
    /// # Errors
    /// [`SmtpError`].
    pub fn new(url: &str, from: &str) -> Result<Self, SmtpError> {
        let from = from.parse().map_err(|_| SmtpError::Sender)?;
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(&with_tls(url));
        let builder = builder.map_err(|_| SmtpError::Address)?;
        let transport = builder.timeout(Some(TIMEOUT)).pool_config(PoolConfig::new().max_size(2)).build();
        Ok(Self { transport, from })
    }

    /// The message with its headers. Addresses and subject are encoded by the library, which refuses
    /// or folds whatever could start another header.
    fn message(&self, mail: &Mail) -> Result<Message, Refusal> {
        let never = |what: &str| Refusal::Never(format!("the mail cannot be written: {what}"));
        let to = mail.to.parse().map_err(|_| never("its recipient is no address"))?;
        let message = Message::builder().from(self.from.clone()).to(Mailbox::new(None, to));
        let message = message.subject(mail.subject.clone()).header(ContentType::TEXT_PLAIN);
        message.body(mail.text.clone()).map_err(|_| never("its text cannot be encoded"))
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

/// Passwords and codes do not travel in the clear because a parameter was forgotten.
fn with_tls(url: &str) -> String {
    if let Some(plain) = url.strip_suffix("?tls=none") {
        return plain.to_owned();
    }
    let authority = url.strip_prefix("smtp://").unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = host.split(['/', '?']).next().unwrap_or_default();
    let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
    let local = ["127.0.0.1", "localhost", "[::1]"].contains(&name.map_or(host, |(name, _)| name));
    if url.starts_with("smtp://") && !local && !url.contains('?') {
        return format!("{url}?tls=required");
    }
    url.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

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
