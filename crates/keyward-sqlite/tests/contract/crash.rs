//! A process that ends at any place of a commit, as by a power cut, leaves the write whole or not at all; the judge is the testkit's.
//!
//! The child is this test program again: the test below, with a variable that names the write. So it is no test of its own that
//! nothing could make fail.

use crate::home::{self, Home};
use crate::planted::each;
use keyward_sqlite::Sqlite;
use keyward_sqlite::faults::change_by_force;
use keyward_testkit::contract;
use keyward_testkit::contract::crash::{Case, Crash, CrashHome, Left, WRITES, attempt, case, prepare};
use std::collections::BTreeSet;
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::Arc;
use std::{env, fs};
use tokio::runtime::Handle;

/// The places of a commit, in their order, and what a crash there leaves.
pub(crate) const PLACES: [(&str, Left); 8] = [
    ("claim", Left::Nothing),
    ("effect", Left::Nothing),
    ("executed", Left::Nothing),
    ("recorded", Left::Nothing),
    ("commit", Left::Nothing),
    ("committed", Left::Whole),
    ("published", Left::Whole),
    (ANSWERED, Left::Whole),
];
/// The place behind all others: whoever asked has the answer. It is the child's own.
const ANSWERED: &str = "answered";
/// Places outside the commit, and where they are tested.
const ELSEWHERE: [(&str, &str); 1] = [("restore", "keyward/tests/process/restore.rs")];

/// By which signals a child ends: a place inside a commit sends the one, and the child itself the other.
const SIGKILL: i32 = 9;
const SIGABRT: i32 = 6;

/// The child's variables: the write, and the file of the store.
const WRITE: &str = "KEYWARD_CRASH_WRITE";
const FILE: &str = "KEYWARD_CRASH_FILE";
/// And what is wrong with the child's store.
const TORN: &str = "KEYWARD_CRASH_TORN";
/// Where the child dies inside a commit.
const FAIL_AT: &str = "KEYWARD_FAIL_AT";
/// What the child's report begins with.
const REPORT: &str = "reported: ";
/// The test that the child is.
const CHILD: &str = "crash::a_process_that_ends_at_any_place_leaves_a_write_whole_or_not_at_all";

/// What is wrong with the store of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Torn {
    /// Nothing.
    Nothing,
    /// Its rows are changed by these triggers.
    Triggers(&'static str),
    /// It writes the row of the audit trail in a transaction of its own, after the other one.
    AuditLater,
    /// It answers before it commits.
    AnswersFirst,
    /// It keeps the answer in a transaction of its own, before the other one.
    KeepsFirst,
}

/// A home whose child dies.
pub(crate) struct CrashingHome {
    home: Home,
    torn: Torn,
}

impl CrashingHome {
    pub(crate) fn new(torn: Torn) -> Self {
        Self { home: Home::new(), torn }
    }
}

impl contract::Home for CrashingHome {
    type Store = Sqlite;

    fn open(&self) -> Sqlite {
        self.home.open()
    }
}

impl CrashHome for CrashingHome {
    fn copy(&self) -> Self {
        Self { home: Home::copy_of(&self.home.path()), torn: self.torn }
    }

    fn crash(&self, write: &str, place: &str) -> Crash {
        if let Torn::Triggers(sql) = self.torn {
            change_by_force(&self.home.path(), sql).unwrap();
        }
        let mut child = Command::new(env::current_exe().unwrap());
        child.args(["--exact", CHILD, "--nocapture"]).env(WRITE, write).env(FILE, self.home.path());
        child.env(TORN, format!("{:?}", self.torn)).env_remove(FAIL_AT);
        if place != ANSWERED {
            // What it does first on a copy comes to that place too.
            let times = if matches!(self.torn, Torn::AnswersFirst | Torn::KeepsFirst) { 2 } else { 1 };
            child.env(FAIL_AT, format!("{place}:{times}"));
        }
        let output = child.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let reported = said.lines().find_map(|line| line.split_once(REPORT)).map(|(_, text)| text.to_owned());
        let signal = if place == ANSWERED { SIGABRT } else { SIGKILL };
        Crash { died: output.status.signal() == Some(signal), reported }
    }
}

/// What the child does. It does not return: a test that it was would be one more that holds.
async fn child(write: &str) -> ! {
    let file = PathBuf::from(env::var_os(FILE).unwrap());
    let torn = env::var(TORN).unwrap();
    let is = |other: Torn| torn == format!("{other:?}");
    if is(Torn::AnswersFirst) {
        report(&on_a_copy(&file, write).await.0);
    }
    if is(Torn::KeepsFirst) {
        let copy = on_a_copy(&file, write).await.1;
        let keep = "INSERT INTO idempotency SELECT * FROM done.idempotency";
        change_by_force(&file, &format!("ATTACH '{}' AS done; {keep}", copy.path().display())).unwrap();
    }
    let store = home::open(&file);
    if is(Torn::AuditLater) {
        store.on_writer(PUT_OFF).await.unwrap();
    }
    let text = attempt(&store, write).await;
    if is(Torn::AuditLater) {
        store.on_writer("DROP TRIGGER put_off; INSERT INTO audit SELECT * FROM later").await.unwrap();
    }
    report(&text);
    process::abort()
}

/// Rows of the audit trail are put off.
const PUT_OFF: &str = "CREATE TABLE later AS SELECT * FROM audit WHERE 0;
    CREATE TRIGGER put_off AFTER INSERT ON audit BEGIN
        INSERT INTO later SELECT * FROM audit WHERE id = new.id; DELETE FROM audit WHERE id = new.id;
    END";

/// What the write comes to on a copy of the file, and the copy.
async fn on_a_copy(file: &Path, write: &str) -> (String, Home) {
    let copy = Home::copy_of(file);
    let text = attempt(&contract::Home::open(&copy), write).await;
    (text, copy)
}

fn report(text: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "{REPORT}{text}").and_then(|()| out.flush()).unwrap();
}

#[tokio::test]
async fn a_process_that_ends_at_any_place_leaves_a_write_whole_or_not_at_all() {
    if let Ok(write) = env::var(WRITE) {
        child(&write).await;
    }
    let prepared = CrashingHome::new(Torn::Nothing);
    prepare(&prepared).await;
    let prepared = Arc::new(prepared);
    let cases = each(WRITES.to_vec(), |write| judged(Arc::clone(&prepared), write)).await;
    let left = PLACES.map(|(_, left)| left).to_vec();
    assert_eq!(cases, vec![left; WRITES.len()], "it is there from the commit on, and not before");
}

/// What a crash at each place leaves of this write.
async fn judged(prepared: Arc<CrashingHome>, write: &'static str) -> Vec<Left> {
    let runtime = Handle::current();
    let judge = async move {
        let case: Case<CrashingHome> = case(&*prepared, write).await;
        let mut left = Vec::new();
        for (place, _) in PLACES {
            left.push(case.judge(place).await);
        }
        left
    };
    tokio::task::spawn_blocking(move || runtime.block_on(judge)).await.unwrap()
}

/// The names of all places in the source below this folder.
fn places(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            places(&path, found);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let named = text.split("fail_point(\"").skip(1).filter_map(|rest| rest.split('"').next());
        found.extend(named.map(str::to_owned));
    }
}

#[test]
fn every_place_of_the_source_is_judged() {
    let mut found = BTreeSet::new();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    places(&here.join("src"), &mut found);
    places(&here.join("../keyward-sql/src"), &mut found);
    let judged = PLACES.map(|(place, _)| place).into_iter().filter(|place| *place != ANSWERED);
    let elsewhere = ELSEWHERE.map(|(place, _)| place);
    let known: BTreeSet<String> = judged.chain(elsewhere).map(str::to_owned).collect();
    assert_eq!(found, known);
    for (place, file) in ELSEWHERE {
        let text = fs::read_to_string(here.join("..").join(file)).unwrap();
        assert!(
            text.contains(&format!("\"KEYWARD_FAIL_AT\", \"{place}\"")),
            "{file} ends a process at {place}"
        );
    }
}
