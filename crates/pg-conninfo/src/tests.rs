//! What a connection's description becomes, told by parameters, and that no password gets out.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use tokio_postgres::config::{Host, SslMode as DriverSslMode, SslNegotiation, TargetSessionAttrs};

use crate::{
    Conninfo, Environment, Error, ErrorKind, Harmless, RootCertificates, SslMode, start_up_option,
};

fn environment(variables: &[(&str, &str)]) -> Environment {
    Environment::from_variables(variables.iter().copied()).with_user("me")
}

fn resolve(text: &str) -> Conninfo {
    Conninfo::resolve(Some(text), &environment(&[])).unwrap()
}

fn refusal(text: &str) -> Error {
    Conninfo::resolve(Some(text), &environment(&[])).unwrap_err()
}

/// A home directory with one file in it that only its owner may read.
fn home_with(file: &str, text: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    write_private(&home.path().join(file), text);
    home
}

fn write_private(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn texts_become_parameters_as_in_libpq() {
    // From the documentation of libpq's connection strings and its own regression tests.
    let cases: &[(&str, &[(&str, &str)])] = &[
        (
            "shop",
            &[("dbname", "shop"), ("user", "me"), ("host", "localhost"), ("port", "5432")],
        ),
        ("", &[("dbname", "me")]),
        ("host=h  port = 1\tdbname=d", &[("host", "h"), ("port", "1"), ("dbname", "d")]),
        (
            r"password='it\'s \\ ok' dbname = 'a b'",
            &[("password", r"it's \ ok"), ("dbname", "a b")],
        ),
        (r"password=a\ b\\c dbname=d", &[("password", r"a b\c"), ("dbname", "d")]),
        ("dbname=a dbname=b", &[("dbname", "b")]),
        ("dbname='' user=''", &[("dbname", "me"), ("user", "me")]),
        ("requiressl=1", &[("sslmode", "require")]),
        ("password=a://b host=h", &[("password", "a://b"), ("host", "h")]),
        ("postgresql://", &[("dbname", "me"), ("host", "localhost")]),
        ("postgres://u@h/d", &[("user", "u"), ("host", "h"), ("dbname", "d")]),
        (
            "postgresql://u:p@h:12345/d",
            &[("password", "p"), ("port", "12345"), ("dbname", "d")],
        ),
        (
            "postgresql://u%6Fx:p%40%3a@h/d%20e",
            &[("user", "uox"), ("password", "p@:"), ("dbname", "d e")],
        ),
        ("postgresql://u@h", &[("dbname", "u")]),
        ("postgresql://?host=/sock&user=x", &[("host", "/sock"), ("user", "x")]),
        ("postgresql:///d?host=/var/run/x", &[("host", "/var/run/x"), ("dbname", "d")]),
        ("postgres://%2Fvar%2Frun%2Fx/d", &[("host", "/var/run/x"), ("dbname", "d")]),
        ("postgresql://[::1]/d", &[("host", "::1"), ("dbname", "d")]),
        ("postgresql://[2001:db8::1]:7", &[("host", "2001:db8::1"), ("port", "7")]),
        ("postgres://a:1,b:2,[::1]:3/d", &[("host", "a,b,::1"), ("port", "1,2,3")]),
        ("postgres://a,b/d?port=7", &[("host", "a,b"), ("port", "7")]),
        ("postgres://h/d?ssl=true", &[("sslmode", "require")]),
        ("postgres://u:a?b@h/d", &[("password", "a?b"), ("host", "h")]),
        ("postgres://u:a:b#c@h/d", &[("password", "a:b#c"), ("host", "h")]),
        ("postgres://h/d?password=q%26&user=z", &[("password", "q&"), ("user", "z")]),
        ("postgres://u@h/a@b", &[("user", "u"), ("host", "h"), ("dbname", "a@b")]),
        (
            "host=h application_name=x gssencmode=prefer client_encoding=auto",
            &[("host", "h")],
        ),
    ];
    for (text, expected) in cases {
        let conninfo = resolve(text);
        for (keyword, value) in *expected {
            assert_eq!(conninfo.get(keyword), Some(*value), "{keyword} of {text}");
        }
    }
}

#[test]
fn malformed_texts_are_usage_failures_that_say_what_is_wrong() {
    let cases = [
        ("host=h nonsense=1", "unknown connection parameter \"nonsense\""),
        ("postgres://h/d?nonsense=1", "unknown connection parameter \"nonsense\""),
        ("host h=1", "missing \"=\""),
        ("host=h port", "missing \"=\""),
        ("dbname='abc", "unterminated quoted string"),
        ("mysql://h/d", "must begin with postgres://"),
        ("postgres://[::1/d", "\"[\""),
        ("postgres://[]/d", "\"[\""),
        ("postgres://[::1]x/d", "something other than a port"),
        ("postgres://h/d?user", "needs one \"=\""),
        ("postgres://h/d?user=a=b", "needs one \"=\""),
        ("postgres://h%zz/d", "percent-encoded"),
        ("postgres://h%00/d", "percent-encoded"),
        ("postgres://h%f/d", "percent-encoded"),
        ("postgres://h%ff/d", "percent-encoded"),
        ("port=0", "number from 1 to 65535"),
        ("port=1,2", "as many as there are hosts"),
        ("host=a,b hostaddr=1.1.1.1", "as many hosts as hostaddr"),
        ("host=a,b hostaddr=1.1.1.1,", "every host or for none"),
        ("hostaddr=example.org", "must be an IP address"),
        ("host=@abstract", "must not contain"),
        ("sslmode=on", "must be one of disable, allow, prefer"),
        ("sslmode=", "must be one of"),
        ("connect_timeout=soon", "must be a whole number"),
        ("target_session_attrs=standby", "must be one of any"),
        ("sslrootcert=system sslmode=require", "must be verify-full"),
        ("sslnegotiation=direct", "must be require"),
        (
            "ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=TLSv1.2",
            "must not be older",
        ),
        ("service=nowhere", "definition of service \"nowhere\" not found"),
    ];
    for (text, message) in cases {
        let failure = refusal(text);
        assert!(failure.to_string().contains(message), "{text}: {failure}");
    }
}

#[test]
fn parameters_that_would_change_safety_are_refused_by_name() {
    let cases = [
        "gssencmode=require",
        "sslpassword=x",
        "require_auth=scram-sha-256",
        "requirepeer=postgres",
        "sslcrldir=/x",
        "replication=database",
        "oauth_issuer=x",
        "sslcertmode=require",
    ];
    for text in cases {
        let keyword = text.split('=').next().unwrap();
        assert!(refusal(text).to_string().contains(keyword), "{text}");
    }
    let failure = Conninfo::resolve(None, &environment(&[("PGREQUIREAUTH", "none")])).unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Surroundings);
    assert!(failure.to_string().contains("from PGREQUIREAUTH"), "{failure}");
}

#[test]
fn the_password_is_never_shown() {
    let texts = [
        "postgres://u:sesame@h/db",
        "postgres://u@h/db?password=sesame",
        "host=h password=sesame",
        "postgres://u:sesame%zz@h/db",
        "password='sesame",
        "password=open sesame host=h",
        "password=open sesame=1 host=h",
        "host=h password sesame",
        "postgres://u:sesame@h:notaport/db",
        "postgres://u:open@sesame@h/db",
        "postgres://u:1/sesame@h/db",
        "postgres://u:open@x/sesame@h/db",
        "postgres://u:sesame/open@h/db",
        "postgres://u:x@h/db?password=a&sesame=1",
        "postgres://u:x@h/db?password=a&sesame",
        "postgres://u:x@h/db?password=a=sesame",
        "postgrse://u:sesame@h/db",
        "postgrse://u:sesame@h/db?sslmode=disable",
        "u:sesame@h/db",
        "jdbc:postgresql://u:sesame@h/db",
        "sslpassword=sesame",
        "oauth_client_secret=sesame",
    ];
    for text in texts {
        let shown = match Conninfo::resolve(Some(text), &environment(&[])) {
            Ok(info) => {
                format!("{info:?} {} {:?}", info.display(), info.driver_config().unwrap())
            }
            Err(failure) => format!("{failure} {failure:?}"),
        };
        assert!(!shown.contains("sesame"), "{text}: {shown}");
    }
    let env = environment(&[("PGPASSWORD", "sesame")]);
    let conninfo = Conninfo::resolve(None, &env).unwrap();
    assert_eq!(conninfo.get("password"), Some("sesame"));
    assert!(!format!("{env:?} {conninfo:?}").contains("sesame"));
}

#[test]
fn explicit_beats_service_beats_environment_beats_default() {
    let home = home_with(
        ".pg_service.conf",
        "[other]\nhost=wrong\n# a comment\n[shop]\nhost=service\nport=1\nuser=service\nuser=late\n\
         password=service\n[shop]\ndbname=late\n",
    );
    let env = environment(&[
        ("PGHOST", "env"),
        ("PGPORT", "2"),
        ("PGDATABASE", "env"),
        ("PGSERVICE", "shop"),
        ("PGPASSWORD", "env"),
        ("PGCONNECT_TIMEOUT", "3"),
    ])
    .with_home(home.path());
    let conninfo = Conninfo::resolve(Some("host=explicit"), &env).unwrap();
    assert_eq!(conninfo.display(), "service@explicit:1/env");
    assert_eq!(conninfo.get("password"), Some("service"));
    assert_eq!(conninfo.get("connect_timeout"), Some("3"));
    assert_eq!(conninfo.get("sslmode"), Some("prefer"));
}

#[test]
fn an_empty_value_hides_the_lower_layers_and_means_the_default() {
    let env = environment(&[("PGHOST", "env"), ("PGDATABASE", "env"), ("PGUSER", "")]);
    let conninfo = Conninfo::resolve(Some("host='' dbname=''"), &env).unwrap();
    assert_eq!(conninfo.display(), "me@localhost:5432/me");
    // An empty part of a URL is none, so that the environment's database counts.
    let conninfo = Conninfo::resolve(Some("postgres://h/"), &env).unwrap();
    assert_eq!(conninfo.display(), "me@h:5432/env");
}

#[test]
fn the_service_is_looked_for_in_the_users_file_and_then_in_the_systems() {
    let (own, system) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(own.path().join("mine.conf"), "[a]\nhost=own\n").unwrap();
    fs::write(system.path().join("pg_service.conf"), "[a]\nhost=sys\n[b]\nhost=sys\n").unwrap();
    let own = own.path().join("mine.conf").display().to_string();
    let env =
        environment(&[("PGSERVICEFILE", &own), ("PGSYSCONFDIR", system.path().to_str().unwrap())]);
    let host = |text| Conninfo::resolve(Some(text), &env).unwrap().get("host").map(str::to_owned);
    assert_eq!(host("service=a").as_deref(), Some("own"));
    assert_eq!(host("postgres:///?service=b").as_deref(), Some("sys"));
}

#[test]
fn a_malformed_service_is_named_by_file_and_line() {
    let cases = [
        ("[a]\nhost\n", ":2: expected keyword=value"),
        ("[a]\nnonsense=sesame\n", ":2: unknown connection parameter \"nonsense\""),
        ("[a]\nhost = sesame\n", ":2: no blank may stand"),
        ("[a]\n\nservice=sesame\n", ":3: a service cannot refer to another"),
        ("[a]\nldap://h/x\n", ":2: LDAP"),
    ];
    for (text, message) in cases {
        let home = home_with(".pg_service.conf", text);
        let env = environment(&[]).with_home(home.path());
        let failure = Conninfo::resolve(Some("service=a"), &env).unwrap_err();
        assert!(failure.to_string().contains(message), "{failure}");
        assert!(!failure.to_string().contains("sesame"), "{failure}");
        assert_eq!(failure.kind(), ErrorKind::Surroundings);
    }
}

const PASSFILE: &str = r"# comment
h:5432:d:u:first
h:5432:d:u:second
*:1234:*:u:any\:host\\
a\:b:*:*:*:escaped host
::1:*:*:*:six
localhost:*:*:*:local:rest ignored
*:*:*:star:x*y
crlf:*:*:*:dos
";

#[test]
fn the_first_matching_line_of_the_password_file_counts() {
    let home = home_with(".pgpass", &PASSFILE.replace(":dos\n", ":dos\r\n"));
    let env = environment(&[]).with_home(home.path()).with_socket_directory("/run/default");
    let cases = [
        ("host=h dbname=d user=u", Some("first")),
        ("host=h dbname=other user=u", None),
        ("host=hh dbname=d user=u", None),
        ("host=x port=1234 user=u", Some(r"any:host\")),
        ("host=a:b", Some("escaped host")),
        ("host=::1", Some("six")),
        ("user=v", Some("local")),
        ("host=/run/default user=v", Some("local")),
        ("host=/elsewhere user=v", None),
        ("host=10.0.0.1 user=star", Some("x*y")),
        ("host=crlf", Some("dos")),
        ("host=crlf password=mine", Some("mine")),
        ("host=crlf password=''", Some("dos")),
        ("hostaddr=10.0.0.1 user=star", Some("x*y")),
        ("host=localhost,x user=v", Some("local")),
    ];
    for (text, password) in cases {
        let conninfo = Conninfo::resolve(Some(text), &env).unwrap();
        assert_eq!(conninfo.get("password"), password, "{text}");
        assert_eq!(conninfo.warnings, Vec::<String>::new());
    }
    let failure = Conninfo::resolve(Some("host=localhost,crlf user=v"), &env).unwrap_err();
    assert!(failure.to_string().contains("different passwords"), "{failure}");
}

#[test]
fn a_password_file_that_others_can_read_is_ignored_with_a_warning() {
    let home = home_with(".pgpass", "*:*:*:*:sesame\n");
    let file = home.path().join(".pgpass");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let conninfo = Conninfo::resolve(None, &environment(&[]).with_home(home.path())).unwrap();
    assert_eq!(conninfo.get("password"), None);
    assert!(
        conninfo.warnings[0].contains("group or world access"),
        "{:?}",
        conninfo.warnings
    );

    let directory = home.path().display().to_string();
    let conninfo = Conninfo::resolve(None, &environment(&[("PGPASSFILE", &directory)])).unwrap();
    assert!(conninfo.warnings[0].contains("not a plain file"), "{:?}", conninfo.warnings);
}

#[test]
fn the_password_file_can_be_named() {
    let home = home_with("mine", "*:*:*:*:named\n");
    let file = home.path().join("mine").display().to_string();
    let conninfo = resolve(&format!("passfile={file}"));
    assert_eq!(conninfo.get("password"), Some("named"));
    let conninfo = resolve("passfile=/nowhere/at/all");
    assert_eq!((conninfo.get("password"), conninfo.warnings.len()), (None, 0));
}

#[test]
fn without_a_host_the_servers_socket_is_looked_for() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join(".s.PGSQL.5499"), "").unwrap();
    let env = environment(&[]).with_socket_directory("/nowhere");
    let env = env.with_socket_directory(directory.path());
    let hosts = |text| {
        let config = Conninfo::resolve(Some(text), &env).unwrap().driver_config().unwrap();
        (config.get_hosts().to_vec(), config.get_ssl_mode())
    };
    let socket = Host::Unix(PathBuf::from(directory.path()));
    assert_eq!(hosts("port=5499 sslmode=require"), (vec![socket], DriverSslMode::Disable));
    assert_eq!(hosts("port=1").0, [Host::Tcp("localhost".to_owned())]);
}

#[test]
fn the_driver_gets_hosts_addresses_and_ports_in_pairs() {
    let config = resolve("host=a,b hostaddr=10.0.0.1,::1 port=1,").driver_config().unwrap();
    let hosts = ["a", "b"].map(|host| Host::Tcp(host.to_owned()));
    assert_eq!(config.get_hosts(), hosts);
    assert_eq!(config.get_hostaddrs().len(), 2);
    assert_eq!(config.get_ports(), [1, 5432]);
    // TLS needs something to verify, even if only an address is given.
    let config = resolve("hostaddr=10.0.0.1").driver_config().unwrap();
    assert_eq!(config.get_hosts(), [Host::Tcp("10.0.0.1".to_owned())]);
}

#[test]
fn silent_connections_are_kept_alive_and_dead_hosts_given_up_by_default() {
    let config = resolve("").driver_config().unwrap();
    assert_eq!(config.get_connect_timeout(), Some(&Duration::from_secs(10)));
    assert!(config.get_keepalives());
    assert_eq!(config.get_keepalives_idle(), Duration::from_secs(10));
    assert_eq!(config.get_keepalives_interval(), Some(Duration::from_secs(4)));
    assert_eq!(config.get_keepalives_retries(), Some(3));
    assert_eq!(config.get_tcp_user_timeout(), Some(&Duration::from_secs(22)));

    let text = "connect_timeout=0 keepalives=0 keepalives_interval=0 tcp_user_timeout=1500";
    let config = resolve(text).driver_config().unwrap();
    assert_eq!(config.get_connect_timeout(), None);
    assert!(!config.get_keepalives());
    assert_eq!(config.get_keepalives_interval(), None);
    assert_eq!(config.get_tcp_user_timeout(), Some(&Duration::from_millis(1500)));

    let user_timeout = |text: &str| resolve(text).link().unwrap().user_timeout;
    // Patience with the probes is patience with what is under way.
    assert_eq!(user_timeout("keepalives_idle=60"), Some(Duration::from_secs(72)));
    assert_eq!(user_timeout("tcp_user_timeout=0"), None);
}

#[test]
fn the_driver_gets_who_and_how() {
    let env = environment(&[("PGOPTIONS", "-c x=1"), ("PGTARGETSESSIONATTRS", "primary")]);
    let config = Conninfo::resolve(Some("password=p dbname=d"), &env).unwrap();
    let config = config.driver_config().unwrap();
    assert_eq!(config.get_user(), Some("me"));
    assert_eq!(config.get_dbname(), Some("d"));
    assert_eq!(config.get_password(), Some(b"p".as_slice()));
    assert_eq!(config.get_options(), Some("-c x=1"));
    assert_eq!(config.get_application_name(), None);
    assert_eq!(config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
}

#[test]
fn tls_parameters_are_read() {
    assert_eq!(resolve("host=/run/x sslmode=verify-full").tls().mode, SslMode::Disable);
    let modes = [
        ("disable", SslMode::Disable, DriverSslMode::Disable),
        ("allow", SslMode::Prefer, DriverSslMode::Prefer),
        ("prefer", SslMode::Prefer, DriverSslMode::Prefer),
        ("require", SslMode::Require, DriverSslMode::Require),
        ("verify-ca", SslMode::VerifyCa, DriverSslMode::Require),
        ("verify-full", SslMode::VerifyFull, DriverSslMode::Require),
    ];
    for (text, mode, driver) in modes {
        let conninfo = resolve(&format!("sslmode={text}"));
        assert_eq!(conninfo.tls().mode, mode);
        assert_eq!(conninfo.driver_config().unwrap().get_ssl_mode(), driver);
    }
    let env = environment(&[("PGSSLROOTCERT", "system")]);
    let tls = Conninfo::resolve(None, &env).unwrap().tls();
    assert_eq!(
        (tls.mode, tls.root_certificates),
        (SslMode::VerifyFull, RootCertificates::System)
    );

    let tls = resolve("sslmode=require sslnegotiation=direct sslsni=0 sslcertmode=disable").tls();
    assert_eq!(tls.negotiation, SslNegotiation::Direct);
    assert!(!tls.sends_server_name && !tls.offers_certificate);
}

#[test]
fn the_display_names_who_where_and_what() {
    let text = "postgres://u:p@a:1,[::1]:2/d";
    assert_eq!(resolve(text).display(), "u@a:1,[::1]:2/d");
    assert_eq!(resolve("host=/run/x user=u").display(), "u@/run/x:5432/u");
}

#[test]
fn secrets_can_be_taken_out_of_the_text() {
    let cases = [
        ("postgres://u:p%40@h:1/d?x=y", "postgres://u@h:1/d?x=y", Some("p@")),
        ("postgresql://:p@h", "postgresql://h", Some("p")),
        (
            "postgres://u@h/d?password=p&sslmode=require",
            "postgres://u@h/d?sslmode=require",
            Some("p"),
        ),
        ("postgres://u:no@h?password=p", "postgres://u@h", Some("p")),
        ("postgres://u:p@/d", "postgres://u@/d", Some("p")),
        ("postgres://u@h/d?pass%77ord=p%26", "postgres://u@h/d", Some("p&")),
        (
            "jdbc:postgresql://h/d?user=u&password=p",
            "jdbc:postgresql://h/d?user=u",
            Some("p"),
        ),
        ("postgresql+psycopg2://u:p@h/d", "postgresql+psycopg2://u@h/d", Some("p")),
        ("postgres://u@h/d?sslpassword=p", "postgres://u@h/d", None),
        ("host=h password='a \\' b' user=u", "host=h  user=u", Some("a ' b")),
        ("password = p\\ q host=h", "host=h", Some("p q")),
        ("password=a host=h password=b", "host=h", Some("b")),
        ("password=''", "", None),
        ("postgres://h?password=", "postgres://h", None),
    ];
    for (text, rest, password) in cases {
        let expected = Harmless { text: rest.to_owned(), password: password.map(str::to_owned) };
        assert_eq!(Conninfo::without_secrets(text), Some(expected), "{text}");
        // Otherwise the program would start itself again and again.
        assert_eq!(Conninfo::without_secrets(rest), None, "{text}");
    }
    let without = ["shop", "", "host=h", "postgres://u@h/d", "postgres://u:@h"];
    let malformed = ["password='a", "postgres://u:%zz@h", "postgres://u:a@b@h", "mysql://u:p@h/d"];
    for text in without.iter().chain(&malformed) {
        assert_eq!(Conninfo::without_secrets(text), None, "{text}");
    }
}

#[test]
fn urls_of_frameworks_mean_what_they_mean_there() {
    let cases: &[(&str, &[(&str, &str)])] = &[
        (
            "postgresql+psycopg2://u:p@h:1/d",
            &[("user", "u"), ("port", "1"), ("dbname", "d")],
        ),
        ("postgres+asyncpg://h/d?ssl=verify-full", &[("sslmode", "verify-full")]),
        ("ecto://u@h/d?ssl=true&pool_size=10", &[("dbname", "d"), ("sslmode", "require")]),
        ("postgis://u@h/d?conn_max_age=60", &[("dbname", "d")]),
        (
            "jdbc:postgresql://h:2/d?user=u&password=p&ApplicationName=x&reWriteBatchedInserts=true",
            &[("user", "u"), ("password", "p"), ("host", "h"), ("port", "2")],
        ),
        ("postgres://h/d?sslmode=no-verify", &[("sslmode", "require")]),
        ("postgres://h/d?sslMode=verify-ca", &[("sslmode", "verify-ca")]),
        ("postgres://h/d?ssl=0", &[("sslmode", "prefer")]),
        ("postgres://h/d?ssl-mode=require&ssl-root-cert=/x", &[("sslrootcert", "/x")]),
        (
            "postgres://h/d?schema=app&connection_limit=5&pgbouncer=true&sslaccept=strict",
            &[("options", "-c search_path=app")],
        ),
        ("postgres://h/d?schema=My%20App", &[("options", "-c search_path=\"My\\ App\"")]),
        (
            "postgres://h/d?currentSchema=a,public&options=-c%20work_mem%3D1MB",
            &[("options", "-c work_mem=1MB -c search_path=a,public")],
        ),
        ("postgres://h/d?options[search_path]=a", &[("options", "-c search_path=a")]),
        ("postgres://h/d?x-migrations-table=m&TimeZone=UTC", &[("dbname", "d")]),
        ("postgres://h/d?channel_binding=require", &[("channel_binding", "require")]),
    ];
    for (text, expected) in cases {
        let conninfo = resolve(text);
        for (keyword, value) in *expected {
            assert_eq!(conninfo.get(keyword), Some(*value), "{keyword} of {text}");
        }
    }
}

#[test]
fn what_is_passed_over_is_said_by_name_and_without_its_value() {
    let text = "postgres://h/d?connection_limit=sesame&schema=app&sslpassword=sesame&x-sesame=1\
                &loggerLevel=sesame&ssl={sesame}";
    let warnings = resolve(text).warnings;
    let names = ["connection_limit", "sslpassword", "x-…", "loggerLevel", "ssl"];
    assert_eq!(warnings.len(), names.len(), "{warnings:?}");
    for (warning, name) in warnings.iter().zip(names) {
        let wanted = format!("connection parameter {name} is ignored: ");
        assert!(warning.starts_with(&wanted), "{warning}");
        assert!(!warning.contains("sesame"), "{warning}");
    }
    // In a URL alone: libpq's own texts have no such parameters.
    assert!(refusal("host=h connection_limit=5").to_string().contains("unknown connection"));
}

#[test]
fn a_malformed_url_is_no_database() {
    let texts = [
        "postgres//u:sesame@h/d",
        "postgres:/u:sesame@h/d",
        "postgres:u:sesame@h/d",
        " postgres://u:sesame@h/d",
        "postgres://u:sesame@h/d\n",
        "\"postgres://u:sesame@h/d\"",
        "'postgres://u:sesame@h/d?sslmode=require'",
        "<postgres://u:sesame@h/d>",
        "http://u:sesame@h/d",
        "mysql://u:sesame@h/d?x=y",
        "prisma+postgres://u:sesame@h/d?api_key=sesame",
        "jdbc:postgresql:sesame",
        "postgres%3A%2F%2Fu%3Asesame%40h",
        "u:sesame@h",
        "h/sesame",
        "h:5432",
        "$DATABASE_URL",
        "${SESAME}?sslmode=require",
        "postgres//u:sesame@h/d?sslmode=require",
        "Host=h;Username=u;Password=sesame",
        "host=h;port=1;password=sesame",
        "Server=h;Password=sesame;",
        "Driver={PostgreSQL};Pwd=sesame",
        "two sesames",
        "{\"sesame\"}",
    ];
    for text in texts {
        let failure = refusal(text);
        assert_eq!(failure.kind(), ErrorKind::Text, "{text}");
        let said = format!("{failure} {:?}", failure.hint());
        assert!(!said.to_lowercase().contains("sesame"), "{text}: {said}");
    }
    for name in ["shop", "my-shop", "Größe", "a.b", "dbname='a/b:c'", "password='a;b=c' host=h"] {
        assert!(!resolve(name).display().is_empty());
    }
}

#[test]
fn a_variable_that_is_no_text_is_a_failure() {
    use std::os::unix::ffi::OsStringExt;
    let mut env = environment(&[]);
    env.set_raw("PGHOST", std::ffi::OsString::from_vec(vec![0xff]));
    let failure = Conninfo::resolve(None, &env).unwrap_err();
    assert!(failure.to_string().contains("PGHOST is not valid UTF-8"), "{failure}");
}

#[test]
fn spaces_and_backslashes_in_start_up_options_are_escaped() {
    assert_eq!(start_up_option("work_mem", "1 GB"), "-c work_mem=1\\ GB");
    assert_eq!(start_up_option("x", "a\\b"), "-c x=a\\\\b");
}
