use super::*;

fn about(text: &str) -> Vec<(Vec<String>, bool, String)> {
    let script = Script::new("a.sql", 1, text.to_owned(), Wrapping::None);
    let found = about_extensions(&script).into_iter();
    found.map(|one| (one.names, one.creates, text[one.bytes].to_owned())).collect()
}

#[test]
fn statements_about_extensions_are_found_with_their_names() {
    let text = "-- extension\nCREATE EXTENSION IF NOT EXISTS \"uuid-ossp\" WITH SCHEMA public;\n\
                create extension Cube cascade ;COMMENT ON EXTENSION hstore IS 'a;b';\n\
                ALTER EXTENSION hstore SET SCHEMA s;\n\
                DROP EXTENSION IF EXISTS hstore, \"A\"\"b\" CASCADE; COMMENT ON TABLE hstore IS '';";
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let create = "CREATE EXTENSION IF NOT EXISTS \"uuid-ossp\" WITH SCHEMA public";
    let drop = "DROP EXTENSION IF EXISTS hstore, \"A\"\"b\" CASCADE";
    assert_eq!(
        about(text),
        [
            (names(&["uuid-ossp"]), true, create.to_owned()),
            (names(&["cube"]), true, "create extension Cube cascade".to_owned()),
            (names(&["hstore"]), false, "COMMENT ON EXTENSION hstore IS 'a;b'".to_owned()),
            (names(&["hstore"]), false, "ALTER EXTENSION hstore SET SCHEMA s".to_owned()),
            (names(&["hstore", "A\"b"]), false, drop.to_owned()),
        ]
    );
}

#[test]
fn what_cannot_be_parsed_is_about_none() {
    assert_eq!(about("CREATE EXTENSION hstore; SELEC 1 FROM FROM;"), []);
    assert_eq!(about("SELECT 'CREATE EXTENSION hstore';"), []);
}
