//! A PostgreSQL of a test's own is there for the test and no longer, and says what is wrong with a statement.

#[cfg(test)]
mod tests {
    use keyward_testkit::postgres::Postgres;
    use std::ffi::OsStr;
    use std::net::TcpStream;
    use std::panic::catch_unwind;
    use std::path::{Path, PathBuf};
    use std::sync::mpsc::channel;
    use std::thread;

    fn words<T>(check: impl FnOnce() -> T + std::panic::UnwindSafe) -> String {
        let panic = catch_unwind(check).err().unwrap();
        panic.downcast::<String>().map_or_else(|_| "no words".to_owned(), |words| *words)
    }

    #[test]
    fn it_ends_with_its_test_also_where_that_panics() {
        let (tell, told) = channel();
        let test = thread::spawn(move || {
            let postgres = Postgres::start();
            tell.send((postgres.address(), postgres.socket_directory().to_owned())).unwrap();
            assert!(TcpStream::connect(postgres.address()).is_ok(), "it listens");
            assert!(postgres.password().is_empty(), "on purpose");
        });
        assert!(test.join().is_err());
        let (address, directory): (_, PathBuf) = told.recv().unwrap();
        assert!(TcpStream::connect(address).is_err(), "it has ended");
        assert!(!directory.exists(), "nothing is left of it");
    }

    #[test]
    fn statements_are_judged_one_by_one_and_the_list_of_exceptions_can_only_become_shorter() {
        let postgres = Postgres::start();
        postgres.execute("CREATE TABLE a (b BIGINT);").unwrap();
        let refused = postgres.execute("CREATE TABLE a (b BIGINT);").unwrap_err();
        assert!(refused.contains("already exists"), "{refused}");
        let statements = ["SELECT b FROM a\n    WHERE b = ?1", "SELECT c FROM a", "SELECT max(b, ?1) FROM a"];
        let statements = statements.map(str::to_owned);
        let prepared = postgres.prepare(&statements);
        assert_eq!(prepared[0], Ok(()));
        assert!(prepared[1].as_ref().is_err_and(|said| said.contains("column \"c\" does not exist")));
        assert!(prepared[2].as_ref().is_err_and(|said| said.contains("function max(bigint")), "{prepared:?}");
        let all = [("SELECT c", "no column"), ("max(b, $1)", "SQLite's own")];
        postgres.prepares_all_but(&statements, &all);
        let missing = words(|| postgres.prepares_all_but(&statements, &all[..1]));
        assert!(missing.contains("is not prepared, and not excepted: SELECT max(b, $1) FROM a"), "{missing}");
        let prepared = [&all[..], &[("WHERE b", "none")]].concat();
        let prepared = words(|| postgres.prepares_all_but(&statements, &prepared));
        assert!(prepared.contains("is prepared, and excepted: SELECT b FROM a WHERE b = $1"), "{prepared}");
        let absent = [&all[..], &[("WHERE d", "gone")]].concat();
        let absent = words(|| postgres.prepares_all_but(&statements, &absent));
        assert!(absent.contains("no statement has the words \"WHERE d\" (gone)"), "{absent}");
    }

    #[test]
    fn where_it_is_missing_one_line_says_what_to_install() {
        let said = words(|| Postgres::of(Path::new("/no/such/directory"), OsStr::new("")));
        assert!(said.contains("install Debian's package postgresql") && !said.contains('\n'), "{said}");
    }
}
