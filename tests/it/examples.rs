//! What stands in `examples/` works.

use std::fs;
use std::path::PathBuf;

use crate::support::command::Pgtend;
use crate::support::server::server;
use crate::support::{Database, Output};

fn example(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

#[test]
fn the_migrations_are_verified_without_a_finding() {
    let url = server().url();
    let output = Pgtend::new(&["verify", "migrations", "--format", "json", "-d", &url])
        .within(&example("migrations"))
        .run()
        .expect(0);
    let document = output.json();
    assert_eq!(document.layout.as_ref().unwrap().name, "sqlx", "{output}");
    assert!(document.findings.is_empty(), "{output}");
}

#[tokio::test]
async fn the_declarations_are_applied_and_then_hold() {
    let db = Database::new().await;
    let folder = example("declarations");
    db.sql(&fs::read_to_string(folder.join("schema.sql")).unwrap()).await;
    let url = db.url_as("postgres");
    let run = |arguments: &[&str]| -> Output {
        let call = Pgtend::new(arguments).env("DATABASE_URL", &url);
        call.env("XDG_CACHE_HOME", db.path("cache").to_str().unwrap())
            .within(&folder)
            .run()
    };
    run(&["plan", "--check"]).expect(1);
    run(&["apply"]).expect(0);
    run(&["plan", "--check"]).expect(0);
    run(&["refresh", "--all"]).expect(0);
    db.assert_whole("sales_open").await;
}

#[test]
fn the_ways_to_serve_name_options_that_there_are() {
    for (file, least) in [
        ("pgtend-serve.service", 4),
        ("nginx.conf", 3),
        ("Caddyfile", 3),
        ("kubernetes.yaml", 4),
    ] {
        let text = fs::read_to_string(example("serve").join(file)).unwrap();
        let options = text.split_whitespace().filter_map(|word| word.strip_prefix("--"));
        let options = options.map(|word| word.split('=').next().unwrap().to_owned());
        let is_ours = |word: &String| !word.starts_with("from-") && !word.starts_with('-');
        let options = options.filter(is_ours).collect::<Vec<_>>();
        assert!(options.len() >= least, "{file}: {options:?}");
        if file.ends_with(".service") {
            // On SIGTERM pgtend ends so.
            assert!(text.contains("\nSuccessExitStatus=143\n"), "{text}");
        }
        let help = Pgtend::new(&["serve", "--help"]).run().expect(0).stdout;
        for option in options {
            assert!(help.contains(&format!("--{option}")), "{file}: --{option}");
        }
    }
}
