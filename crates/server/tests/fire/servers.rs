//! The servers, one of which is killed now and then, and started again.

use super::scene::Scene;
use guildhall_testkit::process::{Place, Process};
use std::sync::Arc;
use tokio::task::JoinHandle;

enum Server {
    Up(Box<Process>),
    Starting(JoinHandle<Process>),
}

/// All of them.
pub struct Servers {
    place: Arc<Place>,
    servers: Vec<Server>,
    chance: u64,
}

impl Servers {
    /// Starts so many and waits until all are ready.
    pub async fn start(scene: &Scene, count: usize) -> Self {
        let place = Arc::clone(&scene.place);
        let servers = (0..count).map(|_| starting(&place)).collect();
        let mut started = Self { place, servers, chance: 11 };
        while started.servers.iter().any(|server| matches!(server, Server::Starting(_))) {
            started.wait_for_one().await;
        }
        started
    }

    /// The address of one that is up.
    pub fn url(&self, path: &str) -> String {
        let up = self.servers.iter().find_map(|server| match server {
            Server::Up(process) => Some(process.url(path)),
            Server::Starting(_) => None,
        });
        up.expect("a server is up")
    }

    /// After how many charges the next kill comes: all over the work, but for its last tenth, at moments that
    /// look like chance.
    pub fn moment(&self, kills: u64, of: u64, charges: i64) -> i64 {
        let part = charges * 9 / 10 / of as i64;
        part * kills as i64 + (self.chance >> 40) as i64 % part
    }

    /// Notices those that have started.
    pub async fn look_after(&mut self) {
        if self.servers.iter().any(|server| matches!(server, Server::Starting(start) if start.is_finished()))
        {
            self.wait_for_one().await;
        }
    }

    async fn wait_for_one(&mut self) {
        let finished = self
            .servers
            .iter()
            .position(|server| matches!(server, Server::Starting(start) if start.is_finished()));
        let starting = || self.servers.iter().position(|server| matches!(server, Server::Starting(_)));
        let Some(index) = finished.or_else(starting) else {
            return;
        };
        if let Server::Starting(start) = &mut self.servers[index] {
            let process = start.await.expect("a server starts");
            self.servers[index] = Server::Up(Box::new(process));
        }
    }

    /// Kills one of those that are up, and has it started again.
    pub async fn kill_one(&mut self) {
        while !self.servers.iter().any(|server| matches!(server, Server::Up(_))) {
            self.wait_for_one().await;
        }
        // A step of Knuth's generator.
        self.chance =
            self.chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let from = (self.chance >> 33) as usize;
        let count = self.servers.len();
        let order = (0..count).map(|step| (from + step) % count);
        for index in order {
            if let Server::Up(process) = &mut self.servers[index] {
                process.kill_9();
                self.servers[index] = starting(&self.place);
                return;
            }
        }
    }

    /// Ends them as an operator does.
    pub async fn stop(mut self) {
        while self.servers.iter().any(|server| matches!(server, Server::Starting(_))) {
            self.wait_for_one().await;
        }
        for server in &mut self.servers {
            if let Server::Up(process) = server {
                assert_eq!(process.terminate(), 0);
            }
        }
    }
}

fn starting(place: &Arc<Place>) -> Server {
    let place = Arc::clone(place);
    Server::Starting(tokio::task::spawn_blocking(move || Scene::start(&place)))
}
