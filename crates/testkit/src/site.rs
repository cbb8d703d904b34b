//! An app's own site: what its pages send, and what its members find in their mailboxes.

use crate::server::{create_app, public_key};
use crate::{Reply, Request, TestServer};
use guildhall_app::Settings;
use guildhall_app::mail::Mail;
use guildhall_domain::Mode;
use serde_json::{Value, json};

/// A password that is long enough.
pub const PASSWORD: &str = "a-long-password";

/// Lets an address visit as often as it likes.
pub fn unpaced(settings: &mut Settings) {
    let limits = &mut settings.limits;
    (limits.client_rate_limit, limits.client_record_reads) = (1_000_000, 1_000_000);
    (limits.client_record_creates, limits.client_record_changes) = (1_000_000, 1_000_000);
}

impl TestServer {
    /// A request of a page, with the sandbox's public key.
    pub fn visit(&self, method: &str, path: &str) -> Request {
        self.anonymous(method, path).key(&self.public_key).header("origin", "https://site.example")
    }

    /// Posts JSON as a page does.
    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.visit("POST", path).json(&body).send().await
    }

    /// A request of a member's page.
    pub fn visit_as(&self, token: &str, method: &str, path: &str) -> Request {
        self.visit(method, path).header("authorization", &format!("Bearer {token}"))
    }

    /// Posts JSON as a member's page does.
    pub async fn post_as(&self, token: &str, path: &str, body: Value) -> Reply {
        self.visit_as(token, "POST", path).json(&body).send().await
    }

    /// Signs somebody up with [`PASSWORD`], and returns its token and its object.
    pub async fn signed_up(&self, email: &str) -> (String, Value) {
        let reply = self.post("/auth/signup", json!({ "email": email, "password": PASSWORD })).await;
        token_and_member(&reply)
    }

    /// Logs somebody in with [`PASSWORD`], and returns its token.
    pub async fn logged_in(&self, email: &str) -> String {
        token_and_member(&self.post("/auth/login", json!({ "email": email, "password": PASSWORD })).await).0
    }

    /// The public key of another app's sandbox.
    pub async fn another_site(&self) -> String {
        public_key(&create_app(&self.guildhall, "Another").await, Mode::Sandbox)
    }

    /// The mails to an address that lie in the sandbox's outbox, oldest first.
    pub async fn mailbox(&self, email: &str) -> Vec<Mail> {
        let leave =
            self.guildhall.command_line_access(&self.app, Mode::Sandbox).await.expect("the app is there");
        let mails = self.guildhall.list_mails(&leave.access()).await.expect("a list");
        mails.into_iter().filter(|mail| mail.to == email).collect()
    }

    /// The code in the last mail to an address.
    pub async fn mailed_code(&self, email: &str) -> String {
        let mails = self.mailbox(email).await;
        let text = &mails.last().unwrap_or_else(|| panic!("a mail to {email}")).text;
        let is_code = |word: &&str| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit());
        text.split_whitespace().find(is_code).expect("a code").to_owned()
    }

    /// The path of the link in the last mail to an address.
    pub async fn mailed_link(&self, email: &str) -> String {
        let mails = self.mailbox(email).await;
        let text = &mails.last().unwrap_or_else(|| panic!("a mail to {email}")).text;
        let link = text.split_whitespace().find(|word| word.starts_with("http")).expect("a link");
        let path = link.strip_prefix("http://127.0.0.1:3010").expect("a link to this server");
        path.to_owned()
    }
}

/// What a sign-in answered with.
pub fn token_and_member(reply: &Reply) -> (String, Value) {
    assert_eq!(reply.status, 200, "{}", reply.text());
    let data = reply.json()["data"].clone();
    let token = data["tokens"]["accessToken"].as_str().expect("a token").to_owned();
    (token, data["member"].clone())
}
