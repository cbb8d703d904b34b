//! The bench itself: a server starts on either engine and answers.
use guildhall_testkit::{TestServer, both_engines};

both_engines! {
    async fn a_member_is_created_and_read(engine) {
        let server = TestServer::start(engine).await;
        let member = server.member("ada@example.com").await;
        let id = member["id"].as_str().unwrap_or_default();
        assert!(id.starts_with("mem_sb_c"), "{id}");
        let read = server.request("GET", &format!("/members/{id}")).send().await;
        assert_eq!(read.json()["data"], member);
        let by_email = server.request("GET", "/members/ADA%40example.com").send().await;
        assert_eq!(by_email.json()["data"], member);
    }
}
