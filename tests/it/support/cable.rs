//! Another machine at the other end of a cable that can be broken without either end noticing: a network
//! namespace and a pair of virtual Ethernet devices. It is gone when the test process ends.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use super::Pgtend;
use super::server::{Server, start_guarded};

/// The cable, and the namespace at its far end.
pub struct Cable {
    /// Holds the namespace for as long as its standard input is open.
    holder: Child,
    number: u32,
}

/// Of 198.18.0.0/15, which is there for tests of networks (RFC 2544), four addresses for each cable.
const SUBNETS: u32 = 1 << 15;

/// Where a frame goes that nobody takes.
const NOBODY: &str = "02:00:00:00:00:01";

impl Cable {
    /// Lays it; `None`, with a note, where namespaces cannot be had.
    pub fn lay(test: &str) -> Option<Cable> {
        static LAID: AtomicU32 = AtomicU32::new(0);
        if let Some(why) = cannot() {
            // Past the test harness, which would swallow the note.
            drop(writeln!(std::io::stderr(), "skipped: {test}: {why}"));
            return None;
        }
        let mut holder = Command::new("unshare")
            .args(["-n", "sh", "-c", "echo; cat >/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        BufReader::new(holder.stdout.take().unwrap())
            .read_line(&mut String::new())
            .unwrap();
        let laid = LAID.fetch_add(1, Ordering::Relaxed);
        let number = std::process::id().wrapping_mul(8).wrapping_add(laid) % SUBNETS;
        let cable = Cable { holder, number };
        let (near, far, pid) = (cable.device('n'), cable.device('f'), cable.namespace());
        ip(&format!("link add {near} type veth peer name {far} netns {pid}"));
        ip(&format!("address add {}/30 dev {near}", cable.near()));
        ip(&format!("link set {near} up"));
        cable.ip_there(&format!("address add {}/30 dev {far}", cable.far()));
        cable.ip_there(&format!("link set {far} up"));
        Some(cable)
    }

    /// A server of its own that listens at this end.
    pub fn server(&self) -> &'static Server {
        let listen = format!("127.0.0.1,{}", self.near());
        let hba = "local all all trust\nhost all all 0.0.0.0/0 trust\n";
        let server = start_guarded(&[("listen_addresses", listen.as_str())], Some(hba), &[]);
        Box::leak(Box::new(server))
    }

    /// A call at the far end.
    pub fn pgtend(&self, arguments: &[&str]) -> Pgtend {
        Pgtend::by_way_of(&["nsenter", "-t", &self.namespace(), "-n"], arguments)
    }

    /// The connection words for this database from the far end.
    pub fn url(&self, server: &Server, database: &str) -> String {
        format!("host={} port={} user=postgres dbname={database}", self.near(), server.port)
    }

    /// Whatever is sent gets lost without a word.
    pub fn swallow(&self) {
        let lost = |address: String, device: String| {
            format!("neighbour replace {address} lladdr {NOBODY} nud permanent dev {device}")
        };
        ip(&lost(self.far(), self.device('n')));
        self.ip_there(&lost(self.near(), self.device('f')));
    }

    /// Whatever is sent arrives again.
    pub fn mend(&self) {
        ip(&format!("neighbour delete {} dev {}", self.far(), self.device('n')));
        self.ip_there(&format!("neighbour delete {} dev {}", self.near(), self.device('f')));
    }

    fn near(&self) -> String {
        self.address(1)
    }

    fn far(&self) -> String {
        self.address(2)
    }

    fn address(&self, host: u32) -> String {
        let bits = (198 << 24) + (18 << 16) + self.number * 4 + host;
        std::net::Ipv4Addr::from_bits(bits).to_string()
    }

    fn device(&self, end: char) -> String {
        format!("pgtend{}{end}", self.number)
    }

    fn namespace(&self) -> String {
        self.holder.id().to_string()
    }

    fn ip_there(&self, words: &str) {
        run(Command::new("nsenter").args(["-t", &self.namespace(), "-n", "ip"]), words);
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}

/// Why no namespace can be made here. Where one can, `ip` has to be there: scripts/ensure-iproute2.
fn cannot() -> Option<String> {
    let skipped = std::env::var("PGTEND_TEST_SKIP").unwrap_or_default();
    if skipped.split(',').any(|skipped| skipped == "netns") {
        return Some("PGTEND_TEST_SKIP says so".to_owned());
    }
    let tried = Command::new("unshare").args(["-n", "true"]).output();
    let why = match tried {
        Ok(output) if output.status.success() => return None,
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        Err(error) => error.to_string(),
    };
    Some(format!("no network namespace can be made here ({why})"))
}

fn ip(words: &str) {
    run(&mut Command::new("ip"), words);
}

fn run(command: &mut Command, words: &str) {
    let output = command.args(words.split_whitespace()).output();
    let output = output.unwrap_or_else(|error| panic!("ip: {error}; scripts/ensure-iproute2"));
    assert!(
        output.status.success(),
        "ip {words}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
