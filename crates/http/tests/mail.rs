//! Mail: the wording of apps, the outbox, and sending that delays but never loses.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use guildhall_app::mail::{Mail, Mailer, Refusal};
use guildhall_testkit::{TestServer, both_engines};
use parking_lot::Mutex;
use serde_json::json;

const ADA: &str = "ada@example.com";
const SECOND_US: i64 = 1_000_000;

/// A mail server of the test's own.
#[derive(Default)]
struct Postman {
    sent: Mutex<Vec<(String, String)>>,
    refuses: Mutex<Option<Refusal>>,
}

impl Mailer for Postman {
    fn send<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), Refusal>> {
        async move {
            if let Some(refusal) = self.refuses.lock().clone() {
                return Err(refusal);
            }
            self.sent.lock().push((mail.to.clone(), mail.text.clone()));
            Ok(())
        }
        .boxed()
    }
}

async fn ask_for_reset(server: &TestServer) {
    let reply = server.post("/auth/send-reset-password-email", json!({ "email": ADA })).await;
    assert_eq!(reply.status, 200);
}

both_engines! {
    async fn an_app_words_its_own_mails(engine) {
        let server = TestServer::start(engine).await;
        let key = server.managing_key().await;
        server.signed_up(ADA).await;
        let path = "/manage/v1/mail-templates/reset-code";
        let set = async |subject: &str, body: &str| {
            server.anonymous("PUT", path).key(&key).json(&json!({ "subject": subject, "body": body })).send().await
        };
        let good = set("{{app}}: {{code}}", "Dein Code: {{code}}\nEr gilt {{minutes}} Minuten für {{email}}.").await;
        assert_eq!(good.status, 200, "{}", good.text());
        ask_for_reset(&server).await;
        let mail = server.mailbox(ADA).await.pop().expect("a mail");
        let code = server.mailed_code(ADA).await.trim_end_matches('.').to_owned();
        assert_eq!(mail.subject, format!("Test: {code}"));
        assert_eq!(mail.text, format!("Dein Code: {code}\nEr gilt 15 Minuten für {ADA}."));
        for (subject, body) in [
            ("", "{{code}}"), ("Hi\r\nBcc: eve@example.com", "{{code}}"), ("Hi", "no code"), ("Hi", "{{code}} {{secret}}"),
            ("Hi {{code", "{{code}}"), ("Hi", ""),
        ] {
            let refused = set(subject, body).await;
            assert_eq!((refused.status.as_u16(), refused.code().as_str()), (400, "template_invalid"), "{subject:?} {body:?}");
        }
        let listed = server.anonymous("GET", "/manage/v1/mail-templates").key(&key).send().await.json();
        let listed = listed["data"].as_array().expect("a list").clone();
        assert_eq!(listed.len(), guildhall_domain::mail::MailKind::ALL.len());
        assert_eq!(listed.iter().filter(|template| template["own"] == true).count(), 1);
        assert_eq!(server.anonymous("DELETE", path).key(&key).send().await.status, 204);
        ask_for_reset(&server).await;
        assert!(server.mailbox(ADA).await.pop().expect("a mail").subject.starts_with("Reset your password"));
        let unknown = server.anonymous("PUT", "/manage/v1/mail-templates/nonsense").key(&key).json(&json!({})).send().await;
        assert_eq!((unknown.status.as_u16(), unknown.code().as_str()), (404, "mail_kind_unknown"));
    }

    async fn without_a_mail_server_mails_wait_in_the_outbox_for_operators(engine) {
        let server = TestServer::start(engine).await;
        server.signed_up(ADA).await;
        ask_for_reset(&server).await;
        let key = server.managing_key().await;
        let listed = server.anonymous("GET", "/manage/v1/mails").key(&key).send().await.json();
        let mail = &listed["data"][0];
        assert_eq!((mail["to"].as_str(), mail["kind"].as_str()), (Some(ADA), Some("reset-code")));
        assert!(mail["text"].as_str().is_some_and(|text| text.contains("code")));
        let (_, reader) = server.key(guildhall_domain::Mode::Sandbox, |draft| {
            use guildhall_domain::scope::{Scope, Scopes};
            draft.scopes = Scopes::of([Scope::Manage, Scope::ReadOnly]);
        }).await;
        assert_eq!(server.anonymous("GET", "/manage/v1/mails").key(&reader).send().await.status, 403, "codes are no reading");
    }

    async fn a_mail_server_that_is_down_delays_and_loses_nothing(engine) {
        let server = TestServer::start(engine).await;
        server.signed_up(ADA).await;
        ask_for_reset(&server).await;
        let postman = Postman::default();
        *postman.refuses.lock() = Some(Refusal::Later("no connection".into()));
        let send = async || server.guildhall.send_due_mails(&postman).await.expect("the outbox answers");
        assert_eq!(send().await, 0);
        let waiting = server.mailbox(ADA).await;
        assert_eq!((waiting[0].attempts, waiting[0].refusal.as_deref()), (1, Some("no connection")));
        *postman.refuses.lock() = None;
        assert_eq!(send().await, 0, "not before its time");
        server.clock.advance_us(10 * SECOND_US);
        assert_eq!(send().await, 1);
        assert_eq!(postman.sent.lock().len(), 1);
        assert!(postman.sent.lock()[0].1.contains("code"));
        assert!(server.mailbox(ADA).await.is_empty(), "what was sent is not in the outbox any more");
        server.clock.advance_us(3600 * SECOND_US);
        assert_eq!(send().await, 0, "and is not sent again");
    }

    async fn delays_between_tries_grow_to_an_hour_and_go_on(engine) {
        let server = TestServer::start(engine).await;
        server.signed_up(ADA).await;
        ask_for_reset(&server).await;
        let postman = Postman::default();
        *postman.refuses.lock() = Some(Refusal::Later("421".into()));
        for delay_s in [10, 30, 120, 600, 1800, 3600, 3600, 3600] {
            server.guildhall.send_due_mails(&postman).await.expect("the outbox answers");
            let tried = server.mailbox(ADA).await[0].attempts;
            server.clock.advance_us(delay_s * SECOND_US - 1);
            server.guildhall.send_due_mails(&postman).await.expect("the outbox answers");
            assert_eq!(server.mailbox(ADA).await[0].attempts, tried, "{delay_s}");
            server.clock.advance_us(1);
        }
        *postman.refuses.lock() = None;
        assert_eq!(server.guildhall.send_due_mails(&postman).await.expect("the outbox answers"), 1);
    }

    async fn what_no_server_will_ever_take_is_tried_no_more_and_stays_to_be_seen(engine) {
        let server = TestServer::start(engine).await;
        server.signed_up(ADA).await;
        ask_for_reset(&server).await;
        let postman = Postman::default();
        *postman.refuses.lock() = Some(Refusal::Never("550".into()));
        server.guildhall.send_due_mails(&postman).await.expect("the outbox answers");
        *postman.refuses.lock() = None;
        server.clock.advance_us(24 * 3600 * SECOND_US);
        assert_eq!(server.guildhall.send_due_mails(&postman).await.expect("the outbox answers"), 0);
        assert_eq!(server.mailbox(ADA).await[0].refusal.as_deref(), Some("550"));

        // For a month; what is only late stays longer.
        ask_for_reset(&server).await;
        *postman.refuses.lock() = Some(Refusal::Later("421".into()));
        server.guildhall.send_due_mails(&postman).await.expect("the outbox answers");
        server.clock.advance_us(29 * 24 * 3600 * SECOND_US - 1);
        server.guildhall.clear_ended_sign_ins().await.expect("cleared");
        assert_eq!(server.mailbox(ADA).await.len(), 2);
        server.clock.advance_us(30 * 24 * 3600 * SECOND_US);
        server.guildhall.clear_ended_sign_ins().await.expect("cleared");
        let left = server.mailbox(ADA).await;
        assert_eq!(left.iter().map(|mail| mail.refusal.as_deref()).collect::<Vec<_>>(), [Some("421")]);
    }

    async fn two_nodes_send_a_mail_once(engine) {
        let server = TestServer::start_with(engine, |settings| settings.limits.sign_in_attempts = 1000).await;
        server.signed_up(ADA).await;
        for _ in 0..50 {
            ask_for_reset(&server).await;
        }
        let (postman, other) = (Postman::default(), server.second_process().await);
        let (one, two) = tokio::join!(server.guildhall.send_due_mails(&postman), other.send_due_mails(&postman));
        assert_eq!(one.expect("sent") + two.expect("sent"), 50);
        assert_eq!(postman.sent.lock().len(), 50);
    }

    async fn mails_that_one_address_has_sent_are_slowed_down(engine) {
        let server = TestServer::start(engine).await;
        let send = async |number: usize, from: &str| {
            let body = json!({ "email": format!("guess{number}@example.com") });
            server.visit("POST", "/auth/send-reset-password-email").from(from).json(&body).send().await.status.as_u16()
        };
        for number in 0..50 {
            assert_eq!(send(number, "192.0.2.1").await, 200);
        }
        assert_eq!((send(51, "192.0.2.1").await, send(51, "192.0.2.2").await), (429, 200));
    }
}
