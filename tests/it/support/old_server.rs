//! A server too old to be had: it speaks as much of the protocol (PostgreSQL documentation, 55.7,
//! "Message Formats") as it takes to say so.

use std::io::{Read, Result, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

/// What the server does with a connection.
#[derive(Clone, Copy)]
pub enum Manner {
    /// Lets everybody in, and answers every query with one row: who it is where its process is asked
    /// for, else this `server_version_num`.
    Version(i32),
    /// Refuses the start-up options, as a server does that lacks the setting.
    NoSuchSetting(&'static str),
}

/// Starts the server and returns its port. It ends with the test process.
pub fn start(manner: Manner) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // The client may hang up at any time.
            std::thread::spawn(move || drop(serve(stream, manner)));
        }
    });
    port
}

fn serve(mut stream: TcpStream, manner: Manner) -> Result<()> {
    let start_up = read_body(&mut stream)?;
    assert_eq!(start_up[..4], 196_608_i32.to_be_bytes(), "connect with sslmode=disable");
    match manner {
        Manner::NoSuchSetting(name) => {
            let message = format!("unrecognized configuration parameter \"{name}\"");
            let fields = format!("SFATAL\0VFATAL\0C42704\0M{message}\0\0");
            stream.write_all(&message_of(b'E', fields.as_bytes()))
        }
        Manner::Version(version) => {
            let ready = message_of(b'Z', b"I");
            stream.write_all(&message_of(b'R', &0_i32.to_be_bytes()))?;
            stream.write_all(&message_of(b'K', &[0; 8]))?;
            stream.write_all(&ready)?;
            let pid = i32::from(stream.peer_addr()?.port());
            let mut answer_row = Vec::new();
            loop {
                let mut kind = [0];
                stream.read_exact(&mut kind)?;
                let body = read_body(&mut stream)?;
                let answer = match &kind {
                    b"P" => {
                        let greets = String::from_utf8_lossy(&body).contains("pg_backend_pid");
                        answer_row = if greets { greeting(pid) } else { vec![int(version)] };
                        message_of(b'1', b"")
                    }
                    b"B" => message_of(b'2', b""),
                    b"D" => row_description(&answer_row),
                    b"E" => [row(&answer_row), message_of(b'C', b"SELECT 1\0")].concat(),
                    b"S" => ready.clone(),
                    _ => return Ok(()),
                };
                stream.write_all(&answer)?;
            }
        }
    }
}

/// A value in binary, and the number of its type.
type Value = (i32, Vec<u8>);

fn int(value: i32) -> Value {
    (23, value.to_be_bytes().to_vec())
}

/// Process, search path and timeouts of a reader.
fn greeting(pid: i32) -> Vec<Value> {
    let texts = ["", "30s", "1s"].map(|text| (25, text.as_bytes().to_vec()));
    std::iter::once(int(pid)).chain(texts).collect()
}

fn read_body(stream: &mut TcpStream) -> Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut body = vec![0; u32::from_be_bytes(length) as usize - 4];
    stream.read_exact(&mut body)?;
    Ok(body)
}

fn message_of(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = body.len() as u32 + 4;
    [&[kind], length.to_be_bytes().as_slice(), body].concat()
}

/// A Describe of a statement is answered by its parameters first. The first column may be asked for
/// by its name.
fn row_description(values: &[Value]) -> Vec<u8> {
    let mut body = Vec::from((values.len() as i16).to_be_bytes());
    for (type_oid, _) in values {
        body.extend(b"server_version_num\0");
        body.extend([0; 6]); // of no table's column
        body.extend(type_oid.to_be_bytes());
        body.extend((-1_i16).to_be_bytes());
        body.extend((-1_i32).to_be_bytes());
        body.extend(1_i16.to_be_bytes());
    }
    [message_of(b't', &0_i16.to_be_bytes()), message_of(b'T', &body)].concat()
}

fn row(values: &[Value]) -> Vec<u8> {
    let mut body = Vec::from((values.len() as i16).to_be_bytes());
    for (_, bytes) in values {
        body.extend((bytes.len() as i32).to_be_bytes());
        body.extend(bytes);
    }
    message_of(b'D', &body)
}
