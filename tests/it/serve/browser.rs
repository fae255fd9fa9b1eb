//! The pages in a browser: headless Chromium, which is told what to do over a pipe (the DevTools protocol).

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::client::Site;
use super::facts::{PAGES, SELDOM, ticks};
use crate::support::{Database, PATIENCE, PAUSE, SALES};

/// A browser with one page.
struct Browser {
    child: Child,
    commands: File,
    messages: Receiver<Value>,
    /// What it told by itself since the last page was asked for.
    events: Vec<Value>,
    calls: u64,
    session: Option<String>,
    _folder: TempDir,
}

/// The first of these that is on PATH.
fn program() -> Option<&'static str> {
    ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|name| {
        Command::new(name).arg("--version").output().is_ok_and(|it| it.status.success())
    })
}

impl Browser {
    /// `None` where there is none; `make test-web` makes sure that there is one.
    fn start() -> Option<Browser> {
        let program = program();
        let is_wanted = std::env::var_os("PGTEND_TEST_WEB").is_some();
        assert!(program.is_some() || !is_wanted, "there is no Chromium: scripts/ensure-chromium");
        let folder = tempfile::tempdir().unwrap();
        let [commands, answers] = ["commands", "answers"].map(|name| folder.path().join(name));
        let made = Command::new("mkfifo").args([&commands, &answers]).status().unwrap();
        assert!(made.success());
        let profile = format!("--user-data-dir={}", folder.path().join("profile").display());
        let child = Command::new("sh")
            .args(["-c", "exec \"$@\" 3<\"$COMMANDS\" 4>\"$ANSWERS\"", "sh", program?])
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
            .args(["--no-first-run", "--disable-background-networking", "--disable-sync"])
            .args(["--disable-component-update", "--remote-debugging-pipe", &profile])
            .env("COMMANDS", &commands)
            .env("ANSWERS", &answers)
            .env("HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // In the order in which the shell opens them: each waits for the other end.
        let commands = File::options().write(true).open(commands).unwrap();
        let answers = BufReader::new(File::open(answers).unwrap());
        let (sender, messages) = channel();
        thread::spawn(move || {
            for message in answers.split(0).map_while(Result::ok) {
                if sender.send(serde_json::from_slice(&message).unwrap()).is_err() {
                    return;
                }
            }
        });
        let mut browser = Browser {
            child,
            commands,
            messages,
            events: Vec::new(),
            calls: 0,
            session: None,
            _folder: folder,
        };
        let page = browser.call("Target.createTarget", &json!({"url": "about:blank"}));
        let attach = json!({"targetId": page["targetId"], "flatten": true});
        let attached = browser.call("Target.attachToTarget", &attach);
        browser.session = Some(attached["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page", "Network", "Runtime", "Log", "DOM"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        Some(browser)
    }

    fn message(&self) -> Value {
        self.messages.recv_timeout(PATIENCE).expect("the browser says nothing")
    }

    fn call(&mut self, method: &str, parameters: &Value) -> Value {
        self.calls += 1;
        let mut call = json!({"id": self.calls, "method": method, "params": parameters});
        if let Some(session) = &self.session {
            call["sessionId"] = json!(session);
        }
        self.commands.write_all(format!("{call}\0").as_bytes()).unwrap();
        loop {
            let mut message = self.message();
            if message["id"] == json!(self.calls) {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].take();
            }
            self.events.push(message);
        }
    }

    /// Opens a page, and waits until it stands.
    fn open(&mut self, url: &str) {
        self.events.clear();
        let opened = self.call("Page.navigate", &json!({"url": url}));
        assert!(opened["errorText"].is_null(), "{url}: {opened}");
        self.until_loaded();
    }

    fn until_loaded(&mut self) {
        while !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            let message = self.message();
            self.events.push(message);
        }
    }

    fn evaluate(&mut self, script: &str) -> Value {
        let call = json!({"expression": script, "returnByValue": true});
        let mut answer = self.call("Runtime.evaluate", &call);
        assert!(answer["exceptionDetails"].is_null(), "{script}: {answer}");
        answer["result"]["value"].take()
    }

    /// Waits until the script says true of the page that is open.
    fn wait_for(&mut self, what: &str, script: &str) {
        let give_up = Instant::now() + PATIENCE;
        while self.evaluate(script) != json!(true) {
            assert!(Instant::now() < give_up, "waited in vain until {what}: {}", self.html());
            thread::sleep(PAUSE);
        }
    }

    fn press(&mut self, key: &str) {
        for (kind, text) in [("keyDown", key), ("keyUp", "")] {
            let key = json!({"type": kind, "key": key, "text": text});
            self.call("Input.dispatchKeyEvent", &key);
        }
    }

    fn html(&mut self) -> String {
        let root = self.call("DOM.getDocument", &json!({}))["root"]["nodeId"].take();
        let html = self.call("DOM.getOuterHTML", &json!({"nodeId": root}));
        html["outerHTML"].as_str().unwrap().to_owned()
    }

    /// How a window of this width and this taste would show it.
    fn look(&mut self, width: u32, scheme: &str) {
        let size = json!({"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", &size);
        let feature = json!({"name": "prefers-color-scheme", "value": scheme});
        self.call("Emulation.setEmulatedMedia", &json!({"features": [feature]}));
    }

    /// Fails where the page complained, ran what it should not, or asked anybody else.
    fn assert_quiet(&self, site: &str) {
        for event in &self.events {
            let (method, of) = (event["method"].as_str().unwrap_or_default(), &event["params"]);
            let is_bad = match method {
                "Runtime.exceptionThrown" | "Page.javascriptDialogOpening" => true,
                "Runtime.consoleAPICalled" => of["type"] == "error",
                "Log.entryAdded" => of["entry"]["level"] == "error",
                "Network.requestWillBeSent" => {
                    let url = of["request"]["url"].as_str().unwrap();
                    !url.starts_with(site) && !url.starts_with("data:")
                }
                _ => false,
            };
            assert!(!is_bad, "{event}");
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All pages that links lead to, beginning with the first one. Of a list's pages two are enough.
fn pages(browser: &mut Browser, site: &str) -> Vec<String> {
    const LINKS: &str =
        "[...document.querySelectorAll('a[href]')].map((a) => a.href.split('#')[0])";
    let mut found = vec![site.to_owned()];
    let mut known = BTreeSet::from([site.to_owned()]);
    let mut at = 0;
    while at < found.len() {
        browser.open(&found[at].clone());
        browser.assert_quiet(site);
        for link in browser.evaluate(LINKS).as_array().unwrap() {
            let link = link.as_str().unwrap().to_owned();
            let is_new =
                link.starts_with(site) && !link.contains(".json") && !known.contains(&link);
            // Of single statements a few are enough, too.
            let bare = |it: &str| {
                let path = it.split('?').next().unwrap();
                path.trim_end_matches(|it: char| it.is_ascii_digit() || it == '-').to_owned()
            };
            let same = known.iter().filter(|it| bare(it) == bare(&link)).count();
            if is_new && same < 3 {
                known.insert(link.clone());
                found.push(link);
            }
        }
        at += 1;
    }
    found
}

const LUMINANCE: &str = "(() => {
    const numbers = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map(Number);
    const light = (colour) => numbers(colour).reduce((sum, part) => sum + part, 0) / 765;
    const style = getComputedStyle(document.body);
    const page = getComputedStyle(document.documentElement);
    const clear = (colour) => colour === 'rgba(0, 0, 0, 0)' || colour === 'transparent';
    const back = [style, page].map((it) => it.backgroundColor).find((it) => !clear(it));
    return [light(style.color), back ? light(back) : 1];
})()";

/// Text that is hard to read on what is behind it (WCAG: 4.5 to 1), and what has no name for who does not see it.
const FLAWS: &str = "(() => {
    const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const light = (colour) => {
        const [red, green, blue] = parts(colour).slice(0, 3).map((part) => part / 255)
            .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const behind = (element) => {
        const colour = getComputedStyle(element).backgroundColor;
        return parts(colour)[3] === 0 ? behind(element.parentElement) : colour;
    };
    const flaws = [];
    for (const element of document.body.querySelectorAll('*')) {
        const own = [...element.childNodes].filter((it) => it.nodeType === Node.TEXT_NODE);
        const text = own.map((it) => it.data).join('').trim();
        if (text && element.getClientRects().length > 0) {
            const style = getComputedStyle(element);
            const isDrawn = element instanceof SVGElement;
            const colours = [isDrawn ? style.fill : style.color, behind(element)].map(light);
            const [more, less] = colours.sort((one, other) => other - one);
            if ((more + 0.05) / (less + 0.05) < 4.5) flaws.push('faint: ' + text);
        }
        const isNamed = (it) => it.textContent.trim() !== '' || it.hasAttribute('aria-label');
        if (element.matches('a, button, svg, progress') && !isNamed(element)
            || element.matches('input:not([type=hidden])') && element.labels.length === 0) {
            flaws.push('nameless: ' + element.outerHTML);
        }
    }
    return flaws;
})()";

async fn with_tables(tables: usize) -> (Database, Site) {
    let db = Database::new().await;
    db.sql(
        "CREATE EXTENSION pg_stat_statements; CREATE TABLE \"<script>alert(1)</script>\" (id int)",
    )
    .await;
    // So many that a transaction has room for their locks.
    for first in (1..=tables).step_by(1000) {
        let last = tables.min(first + 999);
        db.sql(&format!(
            "DO $do$ BEGIN FOR t IN {first}..{last} LOOP
                 EXECUTE format('CREATE TABLE t_%s (id int PRIMARY KEY)', t);
             END LOOP; END $do$"
        ))
        .await;
    }
    for table in 1..=tables.min(100) {
        db.sql(&format!("SELECT count(*) FROM t_{table}")).await;
    }
    // The statements that take the most time are the same as long as it lasts.
    let file = ticks(&db, SELDOM);
    let site = Site::ready(&db, &["--config", &file]).await;
    (db, site)
}

/// The lists that have many rows: their first part, the one that its link leads to, and one in the middle.
fn assert_parts(browser: &mut Browser, start: &str, db: &Database) {
    const ROWS: &str = "document.querySelectorAll('tbody tr').length";
    const FIRST: &str = "document.querySelector('tbody td').textContent";
    for (list, words, middle) in [
        ("tables", "10,001 rows, page 1 of 501", 250),
        ("indexes", "10,000 rows, page 1 of 500", 250),
        ("statements", "100 rows, page 1 of 5", 3),
    ] {
        let path = format!("{start}t/{}/{list}", db.name);
        browser.open(&path);
        let said = browser.evaluate("document.querySelector('.more').textContent");
        assert!(said.as_str().unwrap().starts_with(words), "{list}: {said}");
        let mut firsts = BTreeSet::from([browser.evaluate(FIRST).to_string()]);
        let next = browser.evaluate("document.querySelector('.more a').href");
        for part in [next.as_str().unwrap(), &format!("{path}?page={middle}")] {
            assert_eq!(browser.evaluate(ROWS), json!(20), "{list}");
            browser.open(part);
            browser.assert_quiet(start);
            firsts.insert(browser.evaluate(FIRST).to_string());
        }
        assert_eq!((browser.evaluate(ROWS), firsts.len()), (json!(20), 3), "{list}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_stands_in_every_window() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    for tables in [0, 10_000] {
        let (db, site) = with_tables(tables).await;
        let start = format!("http://{}/", site.host());
        browser.look(1400, "light");
        let pages = pages(&mut browser, &start);
        let paths = pages.iter().map(|it| it[start.len()..].split('?').next().unwrap());
        let paths = paths.collect::<BTreeSet<_>>();
        for page in PAGES.map(|page| if page == "index" { "" } else { page }) {
            let wanted = format!("t/{}/{page}", db.name);
            assert!(paths.contains(wanted.as_str()), "no link leads to {wanted}: {pages:?}");
        }
        let of_statement = format!("t/{}/statements/", db.name);
        let any_statement = paths.iter().any(|path| path.starts_with(&of_statement));
        // Where there is no table, nobody asks for anything.
        assert!(any_statement || tables == 0, "{pages:?}");
        for (width, scheme) in [(1400, "light"), (1400, "dark"), (360, "light"), (360, "dark")] {
            browser.look(width, scheme);
            for page in &pages {
                browser.open(page);
                browser.assert_quiet(&start);
                let over = "document.documentElement.scrollWidth - innerWidth";
                let over = browser.evaluate(over).as_f64().unwrap();
                assert!(over <= 0.0, "{page} is {over} px too wide for {width} px");
                let light = browser.evaluate(LUMINANCE);
                let [text, back] = [0, 1].map(|at| light[at].as_f64().unwrap());
                assert!((text - back).abs() > 0.5, "{page} in {scheme}: {light}");
                assert_eq!(back > 0.5, scheme == "light", "{page} in {scheme}: {light}");
                assert_eq!(browser.evaluate(FLAWS), json!([]), "{page} in {scheme}");
            }
        }
        if tables > 0 {
            browser.open(&format!("{start}t/{}/tables?name=script", db.name));
            let html = browser.html();
            assert!(html.contains("&lt;script&gt;alert(1)"), "{html}");
            assert_parts(&mut browser, &start, &db);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_say_the_same_without_scripts() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let (_db, site) = with_tables(3).await;
    let start = format!("http://{}/", site.host());
    let pages = pages(&mut browser, &start);
    let tags = |html: &str, tag: &str| html.matches(&format!("<{tag}")).count();
    for page in &pages {
        let mut seen = Vec::new();
        for disabled in [false, true] {
            browser.call("Emulation.setScriptExecutionDisabled", &json!({"value": disabled}));
            browser.open(page);
            let html = browser.html();
            seen.push(["a ", "tr", "td", "h1", "form", "svg"].map(|tag| tags(&html, tag)));
        }
        assert_eq!(seen[0], seen[1], "{page}");
        assert!(seen[1][0] > 1, "{page} has no links");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_build_elsewhere_moves_on_the_page_while_it_stands() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let db = Database::new().await;
    db.sql(SALES).await;
    let file = ticks(&db, "live = '100ms'");
    let site = Site::ready(&db, &["--config", &file]).await;
    let start = format!("http://{}/", site.host());
    browser.open(&format!("{start}t/{}/activity", db.name));
    browser.evaluate("window.isTheSame = true");
    let shows = |words: &str| {
        format!(
            "window.isTheSame === true
             && [...document.querySelectorAll('#live article')].some((it) =>
                it.querySelector('progress') && it.textContent.includes('by pgtend/apply')
                && it.textContent.includes('{words}'))"
        )
    };
    let writer = db.writer("sales").await;
    let declared = db.declare("CREATE INDEX sales_user ON sales (user_id);");
    let apply = db.start(&["apply", &declared]);
    browser.wait_for("the build appears", &shows("waiting for writers before build"));
    let old = db.old_snapshot().await;
    writer.release().await;
    browser.wait_for("it moves", &shows("waiting for old snapshots"));
    old.release().await;
    let gone = "window.isTheSame === true && !document.querySelector('#live article')";
    browser.wait_for("it is over", gone);
    apply.wait().expect(0);
    browser.assert_quiet(&start);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slash_goes_to_the_filter() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let (db, site) = with_tables(3).await;
    browser.open(&format!("http://{}/t/{}/tables", site.host(), db.name));
    let focus = "document.activeElement.closest('form.filter') !== null";
    assert_eq!(browser.evaluate(focus), json!(false));
    browser.press("/");
    assert_eq!(browser.evaluate(focus), json!(true));
    assert_eq!(browser.evaluate("document.activeElement.value"), json!(""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_r_loads_the_page_again() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let (db, site) = with_tables(3).await;
    browser.open(&format!("http://{}/t/{}/tables", site.host(), db.name));
    browser.evaluate("window.isTheSame = true");
    browser.events.clear();
    browser.press("r");
    browser.until_loaded();
    assert_eq!(browser.evaluate("window.isTheSame === undefined"), json!(true));
    // Whoever writes a name writes an r.
    browser.evaluate("window.isTheSame = true");
    browser.evaluate("document.querySelector('form.filter input').focus()");
    browser.press("r");
    let written = "document.activeElement.value === 'r' && window.isTheSame === true";
    browser.wait_for("it is written", written);
}
