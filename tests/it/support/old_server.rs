//! A server too old to be had: it speaks as much of the protocol (PostgreSQL documentation, 55.7,
//! "Message Formats") as it takes to say so.

use std::io::{Read, Result, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

/// What the server does with a connection.
#[derive(Clone, Copy)]
pub enum Manner {
    /// Lets everybody in, and answers every query with one row: this `server_version_num`.
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
            loop {
                let mut kind = [0];
                stream.read_exact(&mut kind)?;
                read_body(&mut stream)?;
                let answer = match &kind {
                    b"P" => message_of(b'1', b""),
                    b"B" => message_of(b'2', b""),
                    b"D" => row_description(),
                    b"E" => [row(version), message_of(b'C', b"SELECT 1\0")].concat(),
                    b"S" => ready.clone(),
                    _ => return Ok(()),
                };
                stream.write_all(&answer)?;
            }
        }
    }
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

/// One column, an int4 in binary. A Describe of a statement is answered by its parameters first.
fn row_description() -> Vec<u8> {
    let mut body = Vec::from(1_i16.to_be_bytes());
    body.extend(b"server_version_num\0");
    body.extend([0; 6]); // of no table's column
    body.extend(23_i32.to_be_bytes()); // int4
    body.extend(4_i16.to_be_bytes());
    body.extend((-1_i32).to_be_bytes());
    body.extend(1_i16.to_be_bytes());
    [message_of(b't', &0_i16.to_be_bytes()), message_of(b'T', &body)].concat()
}

fn row(value: i32) -> Vec<u8> {
    let body = [&1_i16.to_be_bytes()[..], &4_i32.to_be_bytes(), &value.to_be_bytes()].concat();
    message_of(b'D', &body)
}
