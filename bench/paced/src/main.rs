//! `paced ADDRESS PATH KEY RATE SECONDS CONNECTIONS`: reads one thing at a fixed rate and prints how many
//! microseconds each read took, one a line.
//!
//! Every read has a moment at which it is due. If the answer before it is late, the read is late too, and
//! what it waited counts: a server that stands still cannot hide that by being asked less. What the
//! system is late in waking this program does not count, for that is not the server's.

use std::io::{BufRead, BufReader, Error, Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Reads that are made before those that count.
const WARM_UP: u32 = 20;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [address, path, key, rate, seconds, connections] = words.as_slice() else {
        eprintln!("paced ADDRESS PATH KEY RATE SECONDS CONNECTIONS");
        return ExitCode::FAILURE;
    };
    let number =
        |text: &String| text.parse::<u32>().ok().filter(|number| *number > 0).expect("a number above 0");
    let (rate, seconds, connections) = (number(rate), number(seconds), number(connections));
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nx-api-key: {key}\r\n\r\n");
    let begin = Instant::now() + Duration::from_millis(200);
    let readers: Vec<_> = (0..connections)
        .map(|turn| {
            let (address, request) = (address.clone(), request.clone());
            // The connections take turns, so that together they ask evenly.
            let schedule = Schedule {
                first: begin + Duration::from_secs(1) * turn / rate,
                every: Duration::from_secs(1) * connections / rate,
                reads: (rate * seconds).div_ceil(connections),
            };
            std::thread::spawn(move || Reader::connect(&address, &request)?.run(&schedule))
        })
        .collect();
    let mut took = Vec::new();
    for reader in readers {
        match reader.join() {
            Ok(Ok(times)) => took.extend(times),
            Ok(Err(error)) => {
                eprintln!("a read failed: {error}");
                return ExitCode::FAILURE;
            }
            Err(_) => return ExitCode::FAILURE,
        }
    }
    let lines: String = took.iter().map(|time| format!("{}\n", time.as_micros())).collect();
    print!("{lines}");
    ExitCode::SUCCESS
}

struct Schedule {
    first: Instant,
    every: Duration,
    reads: u32,
}

struct Reader {
    stream: BufReader<TcpStream>,
    request: Vec<u8>,
}

impl Reader {
    fn connect(address: &str, request: &str) -> Result<Self, Error> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self { stream: BufReader::new(stream), request: request.as_bytes().to_vec() })
    }

    fn run(mut self, schedule: &Schedule) -> Result<Vec<Duration>, Error> {
        for _ in 0..WARM_UP {
            self.read()?;
        }
        let mut took = Vec::with_capacity(schedule.reads as usize);
        for number in 0..schedule.reads {
            let due = schedule.first + schedule.every * number;
            let now = Instant::now();
            let start = if now < due {
                std::thread::sleep(due - now);
                Instant::now()
            } else {
                due
            };
            self.read()?;
            took.push(start.elapsed());
        }
        Ok(took)
    }

    /// Sends the request and takes the whole answer, which must be 200.
    fn read(&mut self) -> Result<(), Error> {
        self.stream.get_mut().write_all(&self.request)?;
        let mut length = 0;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        if line.split(' ').nth(1) != Some("200") {
            return Err(Error::other(format!("the answer was {line:?}")));
        }
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            if line == "\r\n" {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().map_err(Error::other)?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)
    }
}
