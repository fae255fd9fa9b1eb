//! A server and its standby.

use std::fs;

use pg_sandbox::{Options, Sandbox};
use tokio_postgres::{Client, NoTls};

use super::server::{self, copy_data};

/// A server of its own that standbys can reach: over TCP, because a standby's account may not enter the folder of
/// its socket.
pub fn primary() -> Sandbox {
    let mut options = server::options();
    options.listen_on_loopback();
    // A standby that stands still for a while can go on afterwards.
    options.settings.push(("wal_keep_size".to_owned(), "1GB".to_owned()));
    Sandbox::start(&options).unwrap()
}

/// A standby of the server, which calls itself by that name.
pub fn standby_of(primary: &mut Sandbox, name: &str) -> Sandbox {
    standby_with(primary, name, &server::options())
}

/// The same, of these options.
pub fn standby_with(primary: &mut Sandbox, name: &str, options: &Options) -> Sandbox {
    let mut standby = Sandbox::start(options).unwrap();
    standby.crash().unwrap();
    primary.crash().unwrap();
    copy_data(primary, &standby);
    let data = standby.data_dir();
    fs::write(data.join("standby.signal"), "").unwrap();
    let from = format!(
        "primary_conninfo = 'host=127.0.0.1 port={} user=postgres application_name={name}'\n",
        primary.port()
    );
    let settings = data.join("postgresql.auto.conf");
    fs::write(&settings, fs::read_to_string(&settings).unwrap() + &from).unwrap();
    primary.restart().unwrap();
    standby.restart().unwrap();
    standby
}

/// A session of its superuser.
pub async fn connected(sandbox: &Sandbox) -> Client {
    let (client, connection) = tokio_postgres::connect(&words(sandbox), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// What that connects with.
pub fn words(sandbox: &Sandbox) -> String {
    let socket_dir = sandbox.socket_dir().display().to_string();
    format!("host={socket_dir} port={} user=postgres dbname=postgres", sandbox.port())
}
