//! A way to the server that can be cut.

use std::path::Path;
use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, UnixStream};
use tokio::task::AbortHandle;

/// Forwards TCP connections to the server's socket, until they are cut.
pub struct Proxy {
    pub port: u16,
    connections: Arc<Mutex<Vec<AbortHandle>>>,
}

impl Proxy {
    /// Listens on this machine for whoever wants to reach the server that listens in a directory.
    pub async fn start(socket_dir: &Path, server_port: u16) -> Proxy {
        let socket = socket_dir.join(format!(".s.PGSQL.{server_port}"));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections: Arc<Mutex<Vec<AbortHandle>>> = Arc::default();
        let opened = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let socket = socket.clone();
                let forward = tokio::spawn(async move {
                    if let Ok(mut server) = UnixStream::connect(socket).await {
                        let _ = copy_bidirectional(&mut client, &mut server).await;
                    }
                });
                opened.lock().unwrap().push(forward.abort_handle());
            }
        });
        Proxy { port, connections }
    }

    /// Cuts all connections that there are; new ones are let through.
    pub fn cut(&self) {
        self.connections.lock().unwrap().drain(..).for_each(|connection| connection.abort());
    }
}
