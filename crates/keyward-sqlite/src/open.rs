//! Opening the file: everything that must be right before the first request.

use crate::connect::prepare;
use crate::connection::{Connected, Reading};
use crate::embedded::Embedded;
use crate::migrate::{IDENTITY, is_older, migrate, recognise};
use crate::open_error::OpenError;
use crate::options::{Options, Schema};
use crate::own::own;
use crate::place::Place;
use crate::reader::Readers;
use crate::revocations::catch_up;
use crate::unmade::refuse_unmade;
use crate::writer::Writer;
use crate::{no_room, room};
use keyward_core::clock::{Clock, SteadyClock};
use keyward_core::left_out::LeftOut;
use keyward_core::live::Directory;
use keyward_core::store::StoreError;
use keyward_sql::desk::State;
use keyward_sql::driver::Driver;
use keyward_sql::kept::Kept;
use keyward_sql::load::Listed;
use keyward_sql::{Component, Open, Opened, Store, clock, load, own_secret};
use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;

impl Open for Embedded {
    type Options<'o> = Options<'o>;
    type Error = OpenError;

    /// On a file system that is full, a file that is up to date is opened to be read, and is written as soon as there is room.
    fn open(options: &Options<'_>) -> Result<Store<Self>, OpenError> {
        open_by(options, no_room::connect, load::everything).map_err(|error| room::named(error, options.path))
    }

    fn open_to_list(options: &Options<'_>, listed: Listed) -> Result<Store<Self>, OpenError> {
        let learn = |driver: &dyn Driver, directory: &_| load::listed(driver, directory, listed);
        open_by(options, no_room::connect, learn).map_err(|error| room::named(error, options.path))
    }
}

pub(crate) fn open_by(
    options: &Options<'_>,
    connect: fn(&Path) -> Result<(Connection, bool), OpenError>,
    learn: impl FnOnce(&dyn Driver, &Directory) -> Result<LeftOut, StoreError>,
) -> Result<Store<Embedded>, OpenError> {
    let path = options.path;
    let lock = Arc::new(own(path, options.schema)?);
    let now = options.clock.now();
    let (mut connection, has_room) = connect(path)?;
    // Before anything is written, and be it the mode of its log: another program's file is left as it is.
    let is_new = recognise(&connection)?;
    if options.schema != Schema::Make {
        refuse_unmade(path, &connection, is_new)?;
    }
    prepare(&connection, is_new)?;
    let components: Vec<Component> = [&[IDENTITY], options.components].concat();
    if options.schema == Schema::MustBeUpToDate && is_older(&connection, &components)? {
        return Err(OpenError::Older);
    }
    migrate(&mut connection, &components, now)?;
    own_secret::recognise(&Reading(&connection), options.root_secret_checks, now)?;
    let watch = clock::watch(&Reading(&connection), &*options.clock)?;
    let clock: Arc<dyn Clock> = Arc::new(SteadyClock::new(Arc::clone(&options.clock), watch.clone()));
    let directory = Directory::watching(watch);
    let (journal, unwritten) = catch_up(path, &mut Connected(&mut connection), *options.tiers.get(), now);
    let left_out = learn(&Reading(&connection), &directory)?;
    let kept = Kept::load(&Reading(&connection), options.idempotency_bytes)?;
    directory.publish(unwritten);
    let place = Arc::new(Place::new(path, lock));
    if !has_room {
        place.lack_room();
        place.report();
    }
    let readers = Readers::open(path, &place)?;
    let writer = Writer::start(
        connection,
        Arc::clone(&place),
        directory.clone(),
        Arc::clone(&clock),
        options.tiers.clone(),
        State::new(kept, Box::new(journal)),
    )
    .map_err(|source| OpenError::File { path: path.to_owned(), source })?;
    let backend = Embedded { readers, writer, place };
    Ok(Store::new(Opened { backend, directory, left_out, components: components.into(), clock }))
}
