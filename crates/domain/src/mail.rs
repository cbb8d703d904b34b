//! Mails to members: their kinds, their templates, and filling them in.
//!
//! A template is text with `{{names}}`. It is checked when it is saved, so that a mail that matters
//! never fails for a slip in its wording.

use std::fmt;

/// The longest subject of a template, in characters.
pub const SUBJECT_CHARS_MAX: usize = 200;
/// The longest body of a template, in bytes.
pub const BODY_BYTES_MAX: usize = 20_000;

/// What a mail is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MailKind {
    /// A code to sign in with.
    LogInCode,
    /// A code to sign up with.
    SignUpCode,
    /// A code to set a new password with.
    ResetCode,
    /// A link that shows that the address is the member's.
    VerifyEmail,
    /// To the old address: it was replaced.
    EmailChanged,
    /// To somebody who is to run the app, with a link to set a password.
    OperatorInvitation,
    /// A link to the customer portal.
    PortalLink,
}

/// A subject and a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
}

/// What can be filled in. What a kind does not have is empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct Values<'a> {
    /// The app's name.
    pub app: &'a str,
    /// The member's address.
    pub email: &'a str,
    /// The code.
    pub code: &'a str,
    /// The link.
    pub link: &'a str,
    /// How long the code or link holds.
    pub minutes: i64,
}

/// Why a template cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateError {
    /// Empty or too long.
    Length,
    /// The subject has a control character, such as a line's end.
    SubjectNotOneLine,
    /// A `{{` without its end, or a name that there is not.
    UnknownName(String),
    /// The mail would be of no use without this name.
    Missing(&'static str),
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => write!(
                f,
                "A subject has 1 to {SUBJECT_CHARS_MAX} characters, a body 1 to {BODY_BYTES_MAX} bytes."
            ),
            Self::SubjectNotOneLine => f.write_str("A subject is one line without control characters."),
            Self::UnknownName(name) => {
                write!(f, "There is no {{{{{name}}}}}; there are app, email, code, link and minutes.")
            }
            Self::Missing(name) => write!(f, "The body must contain {{{{{name}}}}}."),
        }
    }
}

impl MailKind {
    /// Every kind.
    pub const ALL: [MailKind; 7] = [
        MailKind::LogInCode,
        MailKind::SignUpCode,
        MailKind::ResetCode,
        MailKind::VerifyEmail,
        MailKind::EmailChanged,
        MailKind::OperatorInvitation,
        MailKind::PortalLink,
    ];

    /// `log-in-code` and so on, as stored and as addressed.
    pub const fn as_str(self) -> &'static str {
        match self {
            MailKind::LogInCode => "log-in-code",
            MailKind::SignUpCode => "sign-up-code",
            MailKind::ResetCode => "reset-code",
            MailKind::VerifyEmail => "verify-email",
            MailKind::EmailChanged => "email-changed",
            MailKind::OperatorInvitation => "operator-invitation",
            MailKind::PortalLink => "portal-link",
        }
    }

    /// By name.
    pub fn from_name(name: &str) -> Option<Self> {
        MailKind::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The name that its body cannot do without.
    const fn needs(self) -> Option<&'static str> {
        match self {
            MailKind::LogInCode | MailKind::SignUpCode | MailKind::ResetCode => Some("code"),
            MailKind::VerifyEmail | MailKind::OperatorInvitation | MailKind::PortalLink => Some("link"),
            MailKind::EmailChanged => None,
        }
    }

    /// The wording where the app has none of its own.
    pub fn default_template(self) -> Template {
        let (subject, body) = match self {
            MailKind::LogInCode => (
                "{{code}} is your code for {{app}}",
                "Your code to log in to {{app}} is\n\n    {{code}}\n\nIt works once, within {{minutes}} minutes. \
                 If you did not ask for it, you can ignore this mail.\n",
            ),
            MailKind::SignUpCode => (
                "{{code}} is your code for {{app}}",
                "Your code to sign up for {{app}} is\n\n    {{code}}\n\nIt works once, within {{minutes}} minutes. \
                 If you did not ask for it, you can ignore this mail.\n",
            ),
            MailKind::ResetCode => (
                "Reset your password for {{app}}",
                "Your code to set a new password for {{app}} is\n\n    {{code}}\n\nIt works once, within {{minutes}} \
                 minutes. If you did not ask for it, you can ignore this mail; your password stays as it is.\n",
            ),
            MailKind::VerifyEmail => (
                "Confirm your email address for {{app}}",
                "Please confirm that {{email}} is your address for {{app}}:\n\n{{link}}\n\nThe link works once, within \
                 a day.\n",
            ),
            MailKind::EmailChanged => (
                "Your email address for {{app}} was changed",
                "The email address of your account with {{app}} was changed and is no longer {{email}}.\n\nIf this was \
                 not you, tell the owner of the site at once.\n",
            ),
            MailKind::OperatorInvitation => (
                "You are invited to run {{app}}",
                "You are invited to the dashboard of {{app}}. Choose a password here:\n\n{{link}}\n\nThe link works once, \
                 within a day. Then sign in with {{email}}.\n",
            ),
            MailKind::PortalLink => (
                "Your memberships with {{app}}",
                "Here you see your memberships with {{app}} and can change them:\n\n{{link}}\n\nThe link works for \
                 {{minutes}} minutes. Whoever has it can do the same, so do not pass it on. If you did not ask for it, \
                 you can ignore this mail.\n",
            ),
        };
        Template { subject: subject.into(), body: body.into() }
    }
}

impl Template {
    /// Checks a template for a kind of mail.
    ///
    /// # Errors
    /// [`TemplateError`].
    pub fn check(&self, kind: MailKind) -> Result<(), TemplateError> {
        let subject_fits = (1..=SUBJECT_CHARS_MAX).contains(&self.subject.trim().chars().count());
        if !subject_fits || !(1..=BODY_BYTES_MAX).contains(&self.body.len()) {
            return Err(TemplateError::Length);
        }
        if self.subject.chars().any(is_control) {
            return Err(TemplateError::SubjectNotOneLine);
        }
        let unchecked = Values::default();
        fill(&self.subject, &unchecked)?;
        fill(&self.body, &unchecked)?;
        match kind.needs() {
            Some(name) if !self.body.contains(&format!("{{{{{name}}}}}")) => {
                Err(TemplateError::Missing(name))
            }
            _ => Ok(()),
        }
    }

    /// Subject and body with everything filled in. The subject is one line, whatever the values are.
    ///
    /// # Errors
    /// [`TemplateError::UnknownName`], which a checked template never gives.
    pub fn render(&self, values: &Values<'_>) -> Result<Template, TemplateError> {
        let subject = fill(&self.subject, values)?;
        let subject = subject.chars().map(|c| if is_control(c) { ' ' } else { c }).collect();
        // A body keeps its lines; the carriage returns and other controls of a value do not.
        let body = fill(&self.body, values)?.replace('\r', "");
        Ok(Template { subject, body })
    }
}

/// Control characters, and the two separators that some mail programs take for a line's end.
fn is_control(c: char) -> bool {
    c.is_control() || c == '\u{2028}' || c == '\u{2029}'
}

fn fill(text: &str, values: &Values<'_>) -> Result<String, TemplateError> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, after)) = after.split_once("}}") else {
            return Err(TemplateError::UnknownName(after.chars().take(20).collect()));
        };
        match name.trim() {
            "app" => out.push_str(values.app),
            "email" => out.push_str(values.email),
            "code" => out.push_str(values.code),
            "link" => out.push_str(values.link),
            "minutes" => out.push_str(&values.minutes.to_string()),
            unknown => return Err(TemplateError::UnknownName(unknown.chars().take(20).collect())),
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wording_we_bring_is_valid_and_complete() {
        for kind in MailKind::ALL {
            let template = kind.default_template();
            assert_eq!(template.check(kind), Ok(()), "{kind:?}");
            let values =
                Values { app: "Site", email: "a@x.io", code: "123456", link: "https://x", minutes: 10 };
            let filled = template.render(&values).expect("known names");
            assert!(!filled.body.contains("{{") && !filled.subject.contains("{{"), "{filled:?}");
        }
    }

    #[test]
    fn a_slip_is_found_when_the_template_is_saved() {
        let check = |subject: &str, body: &str| {
            Template { subject: subject.into(), body: body.into() }.check(MailKind::ResetCode)
        };
        assert_eq!(check("Hi", "{{code}}"), Ok(()));
        assert_eq!(check("Hi", "no code"), Err(TemplateError::Missing("code")));
        assert_eq!(check("Hi", "{{code}} {{nme}}"), Err(TemplateError::UnknownName("nme".into())));
        assert_eq!(check("Hi {{", "{{code}}"), Err(TemplateError::UnknownName(String::new())));
        assert_eq!(check("Hi\nBcc: eve@x.io", "{{code}}"), Err(TemplateError::SubjectNotOneLine));
        assert_eq!(check(" ", "{{code}}"), Err(TemplateError::Length));
    }

    #[test]
    fn a_value_cannot_break_out_of_the_subject() {
        let template = Template { subject: "Hello {{app}}".into(), body: "{{code}}".into() };
        let values = Values { app: "x\r\nBcc: eve@x.io", ..Values::default() };
        let filled = template.render(&values).expect("known names");
        assert_eq!(filled.subject, "Hello x  Bcc: eve@x.io");
    }
}
