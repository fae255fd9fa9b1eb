use std::fs;

use super::*;
use crate::declared::parse::Others;

/// What is read, one statement a line, then what is wrong and what was passed over.
fn read(text: &str) -> String {
    let mut reader = PsqlReader::new(Passed::new(Others::Ignore));
    let mut said = Vec::new();
    let name = Arc::from("a.sql");
    let text = PsqlText {
        name: &name,
        path: None,
        first_line: 1,
        text,
        rows_are_apart: false,
    };
    reader.read(text, &mut |statement, _| {
        let variable = statement.variable.map(|name| format!(" [{name}]")).unwrap_or_default();
        let words = statement.text.split_whitespace().collect::<Vec<_>>().join(" ");
        said.push(format!("{}: {words}{variable}", statement.source.line));
    });
    let problems = reader
        .problems
        .iter()
        .map(|one| format!("! {}: {}", one.source.line, one.message));
    said.extend(problems);
    said.join("\n")
}

#[test]
fn statements_end_where_psql_ends_them() {
    for (text, wanted) in [
        ("a;\nb ;; c", "1: a\n2: b\n2: c"),
        ("a ';' \";\" $$;$$ /*;*/ --;\n;b", "1: a ';' \";\" $$;$$\n2: b"),
        ("create rule r as on x do (a; b); c", "1: create rule r as on x do (a; b)\n1: c"),
        (
            "a (b;\nc",
            "! 1: the statement does not end: a parenthesis or a BEGIN ATOMIC is not closed",
        ),
        ("a\\; b; c", "1: a\n1: b\n1: c"),
        (
            "create function f() returns int begin atomic select case when a then b end; end; c",
            "1: create function f() returns int begin atomic select case when a then b end; end\n1: c",
        ),
        (
            "begin; create index i on t (a); end; b",
            "1: begin\n1: create index i on t (a)\n1: end\n1: b",
        ),
        (
            "a;\nb 'c;\nd",
            "1: a\n! 2: the file ends within a quoted string that begins here",
        ),
        ("/* a;\n b", "! 1: the file ends within a comment that begins here"),
    ] {
        assert_eq!(read(text), wanted, "{text}");
    }
}

#[test]
fn commands_end_at_their_line() {
    for (text, wanted) in [
        ("\\set ON_ERROR_STOP on\na;", "2: a"),
        ("\\echo it's; done\na;", "2: a"),
        ("a\n\\echo b\n c;", "1: a c"),
        ("\\pset pager off \\\\ a; \\timing \\x\nb;", "1: a\n2: b"),
        (
            "'\\i a' \"\\i\" $$\n\\i b\n$$ -- \\i c\n /* \\i */;",
            "1: '\\i a' \"\\i\" $$ \\i b $$",
        ),
        ("a \\g\nb \\gx (format=csv) c\nd;", "1: a\n2: b\n3: d"),
        ("a \\r\nb;", "2: b"),
        ("a;\n\\q\nb;", "1: a"),
        (
            "\\d+ x\n\\dt\n\\copyright\n\\encoding utf-8\n\\! ls;\na;",
            "6: a\n! 5: `\\! ls;` is a command of psql that runs a program, whose work pgtend cannot know",
        ),
        ("\\restrict k\na;\n\\unrestrict k\n\\echo x\nb;", "2: a\n5: b"),
        (
            "\\restrict k\n\\echo x\na;",
            "3: a\n! 2: psql refuses `\\echo x` here: \\restrict allows \\unrestrict alone",
        ),
    ] {
        assert_eq!(read(text), wanted, "{text}");
    }
}

#[test]
fn commands_that_change_what_follows_are_refused_by_their_names() {
    for command in [
        "\\c other",
        "\\connect - user",
        "\\if true",
        "\\elif x",
        "\\else",
        "\\endif",
        "\\gexec",
        "\\gset",
        "\\watch 1",
        "\\cd /",
        "\\set AUTOCOMMIT off",
        "\\set SINGLELINE",
        "\\e",
        "\\encoding latin1",
        "\\bind 1",
        "\\gdesc",
        "\\parse x",
        "\\nonsense",
        "\\.",
        "\\i",
        "\\i /etc/passwd",
        "\\i :file",
        "\\i `ls`",
        "\\ir missing.sql",
        "\\include /missing",
    ] {
        let said = read(&format!("a;\n{command}\nb;"));
        let name = command.split(' ').next().unwrap();
        assert!(said.contains(&format!("! 2: `{name}")), "{command}: {said}");
        assert!(said.starts_with("1: a\n"), "{command}: {said}");
    }
    for command in [
        "\\set AUTOCOMMIT on",
        "\\set a `ls`",
        "\\unset a",
        "\\setenv A b",
        "\\o |cat",
        "\\copy t from 'x'",
    ] {
        assert_eq!(read(&format!("{command}\nb;")), "2: b", "{command}");
    }
}

#[test]
fn the_rows_of_copy_are_data() {
    for (text, wanted) in [
        (
            "COPY t (a) FROM stdin;\nit's; \\i x $$ (\n\\.\nb;",
            "1: COPY t (a) FROM stdin\n4: b",
        ),
        (
            "copy t from stdin with (format csv); -- x\n'\r\n\\.\r\nb;",
            "1: copy t from stdin with (format csv)\n4: b",
        ),
        ("copy t from stdin;\n'a", "1: copy t from stdin"),
        (
            "copy (select 1 from stdin) to stdout;\nb;",
            "1: copy (select 1 from stdin) to stdout\n2: b",
        ),
        ("copy t from 'stdin';\nb;", "1: copy t from 'stdin'\n2: b"),
        (
            "copy a from stdin\\; copy b from stdin;\n'\n\\.\n'\n\\.\nc;",
            "1: copy a from stdin\n1: copy b from stdin\n6: c",
        ),
        ("\\copy t from stdin\n'\n\\.\nb;", "4: b"),
        ("\\copy t from pstdin\nb;", "2: b"),
        ("\\COPY t from stdin\n'\n\\.\nb;", "4: b"),
        ("copy t from stdout;\n'\n\\.\nb;", "1: copy t from stdout\n4: b"),
    ] {
        assert_eq!(read(text), wanted, "{text}");
    }
    assert!(read("copy t from stdin; b;\n1\n\\.\nc;").contains("! 1: the rows of COPY follow"));
}

#[test]
fn variables_are_told_from_slices_and_casts() {
    for (text, wanted) in [
        (
            "select a::int, b[1:2], c[x:y], ':d', $$:e$$;",
            "1: select a::int, b[1:2], c[x:y], ':d', $$:e$$",
        ),
        ("create index i on :tab (a);", "1: create index i on :tab (a) [:tab]"),
        ("a :'b';", "1: a :'b' [:'b']"),
        ("a :{?b};", "1: a :{?b} [:{?b}]"),
        ("\\set y 1\na[x:y];", "2: a[x:y] [:y]"),
        ("a \\:b;", "1: a :b"),
    ] {
        assert_eq!(read(text), wanted, "{text}");
    }
}

#[test]
fn files_are_included_where_psql_finds_them() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    for name in ["sub", "sub.sql"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    write("a.sql", "a1;\n\\ir sub/b.sql\na2;\n\\ir 'c d.sql'; \\ir c\\ d\n\\ir sub.sql");
    write("sub/b.sql", "b1;\n\\ir ../e.sql\nb2");
    write("c d.sql", "c1;\n\\q\nc2;");
    write("e.sql", "\\include_relative a.sql\ne1 '");
    let path = folder.path().join("a.sql");
    let file = files::read_one(&path).unwrap();
    let mut reader = PsqlReader::new(Passed::new(Others::Ignore));
    let mut said = Vec::new();
    let text = PsqlText {
        name: &file.name,
        path: Some(&path),
        first_line: 1,
        text: &file.text,
        rows_are_apart: false,
    };
    reader.read(text, &mut |statement, _| said.push(statement.text.to_string()));
    assert_eq!(said, ["a1", "b1", "b2", "a2", "c1"]);
    let problems = reader
        .problems
        .iter()
        .map(|one| {
            let name = one.source.file.file_name().unwrap().to_str().unwrap();
            format!("{name}:{} {}", one.source.line, one.message)
        })
        .collect::<Vec<_>>();
    assert!(problems[0].starts_with("e.sql:1") && problems[0].ends_with("includes itself"));
    assert!(problems[1].starts_with("e.sql:2 the file ends within"), "{problems:?}");
    assert!(problems[2].starts_with("a.sql:4 `\\ir c`: "), "{problems:?}");
    assert!(problems.last().unwrap().contains("is a folder"), "{problems:?}");
    let [b, e] = ["sub/b.sql", "sub/../e.sql"].map(|name| {
        let name = folder.path().join(name).display().to_string();
        reader.included[Path::new(name.as_str())].line
    });
    assert_eq!([b, e], [2, 2]);
}
