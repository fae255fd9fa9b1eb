//! A way to the server that can be cut, stalled and led elsewhere.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// Forwards TCP connections to the server's socket.
pub struct Proxy {
    pub port: u16,
    socket: Arc<Mutex<PathBuf>>,
    flows: watch::Sender<bool>,
    connections: Arc<Mutex<Vec<AbortHandle>>>,
}

impl Proxy {
    /// Listens on this machine for whoever wants to reach the server that listens in a directory.
    pub async fn start(socket_dir: &Path, server_port: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (flows, _) = watch::channel(true);
        let socket = Arc::new(Mutex::new(socket_in(socket_dir, server_port)));
        let proxy = Proxy { port, socket, flows, connections: Arc::default() };
        let (socket, flows) = (Arc::clone(&proxy.socket), proxy.flows.clone());
        let opened = Arc::clone(&proxy.connections);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (socket, flow) = (socket.lock().unwrap().clone(), flows.subscribe());
                let forward = tokio::spawn(forward(client, socket, flow));
                opened.lock().unwrap().push(forward.abort_handle());
            }
        });
        proxy
    }

    /// Cuts all connections that there are; new ones are let through.
    pub fn cut(&self) {
        self.connections
            .lock()
            .unwrap()
            .drain(..)
            .for_each(|connection| connection.abort());
    }

    /// From now on connections stay open, and take what is sent, but nothing comes through any more.
    pub fn stall(&self) {
        self.flows.send_replace(false);
    }

    /// Stalls for a while.
    pub fn stall_for(&self, length: Duration) {
        self.stall();
        let flows = self.flows.clone();
        tokio::spawn(async move {
            tokio::time::sleep(length).await;
            flows.send_replace(true);
        });
    }

    /// Everything comes through again, also what was sent meanwhile.
    pub fn flow(&self) {
        self.flows.send_replace(true);
    }

    /// New connections go to another server, as after a failover.
    pub fn lead_to(&self, socket_dir: &Path, server_port: u16) {
        *self.socket.lock().unwrap() = socket_in(socket_dir, server_port);
    }
}

fn socket_in(directory: &Path, port: u16) -> PathBuf {
    directory.join(format!(".s.PGSQL.{port}"))
}

/// A way to the server that lets no session begin with this setting, as a server does that will not have
/// it. Returns its port.
pub async fn refusing(setting: &'static str, socket_dir: &Path, server_port: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let socket = socket_in(socket_dir, server_port);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(refuse(client, setting, socket.clone()));
        }
    });
    port
}

async fn refuse(mut client: TcpStream, setting: &str, socket: PathBuf) {
    let mut bytes = vec![0; 64 * 1024];
    // A start-up message is small enough to come at once.
    let read = client.read(&mut bytes).await.unwrap_or_default();
    let says = |text: &str| bytes[..read].windows(text.len()).any(|it| it == text.as_bytes());
    if says(setting) {
        let message = format!("invalid value for parameter \"{setting}\": 2000");
        let fields = format!("SFATAL\0VFATAL\0C22023\0M{message}\0\0");
        let length = (fields.len() as u32 + 4).to_be_bytes();
        let _ = client.write_all(&[b"E", &length[..], fields.as_bytes()].concat()).await;
        return;
    }
    let Ok(mut server) = UnixStream::connect(socket).await else {
        return;
    };
    if server.write_all(&bytes[..read]).await.is_ok() {
        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
    }
}

async fn forward(client: TcpStream, socket: PathBuf, flow: watch::Receiver<bool>) {
    let Ok(server) = UnixStream::connect(socket).await else {
        return;
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::join!(carry(from_client, to_server, flow.clone()), carry(from_server, to_client, flow));
}

/// Carries bytes from one to the other while they may flow, to the end.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut flow: watch::Receiver<bool>,
) {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut bytes).await.unwrap_or_default();
        if flow.wait_for(|flows| *flows).await.is_err() {
            return;
        }
        if read == 0 || to.write_all(&bytes[..read]).await.is_err() {
            let _ = to.shutdown().await;
            return;
        }
    }
}
