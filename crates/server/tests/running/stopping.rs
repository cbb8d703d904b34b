//! SIGTERM.

use super::scene::{Scene, get};
use guildhall_testkit::both_engines;
use reqwest::StatusCode;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

both_engines! {
    async fn a_request_under_way_is_finished_and_kept(engine) {
        let mut scene = Scene::start(engine);
        let (_, key) = scene.key("live");
        let body = r#"{"email":"slow@example.com","password":"a-long-password"}"#;
        let mut stream = TcpStream::connect(scene.server.address()).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
        let head = format!(
            "POST /members HTTP/1.1\r\nhost: localhost\r\nx-api-key: {key}\r\nexpect: 100-continue\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).expect("it reads");
        let mut answer = BufReader::new(stream.try_clone().expect("a clone"));
        let mut line = String::new();
        answer.read_line(&mut line).expect("an answer");
        // The server asks for the body: the request is under way.
        assert_eq!(line, "HTTP/1.1 100 Continue\r\n");
        stream.write_all(&body.as_bytes()[..10]).expect("it reads");

        scene.server.ask_to_stop();
        wait_until("it stops", || scene.server.stderr().contains("stopping"));
        wait_until("nobody is let in", || TcpStream::connect(scene.server.address()).is_err());
        stream.write_all(&body.as_bytes()[10..]).expect("it still reads");
        let answer: Vec<String> = answer.lines().map_while(Result::ok).collect();
        assert!(answer.iter().any(|line| line == "HTTP/1.1 200 OK"), "{answer:?}");

        assert_eq!(scene.server.wait(), 0, "{}", scene.server.output());
        let log = scene.place.database_file().with_extension("db-wal");
        assert!(std::fs::metadata(log).map_or(0, |file| file.len()) == 0, "the write-ahead log is emptied");
        scene.server = scene.place.start(&[]);
        let (status, found) = get(&scene.server, "/members/slow@example.com", &key).await;
        assert_eq!((status, &found["data"]["auth"]["email"]), (StatusCode::OK, &"slow@example.com".into()));
    }
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::yield_now();
    }
}
