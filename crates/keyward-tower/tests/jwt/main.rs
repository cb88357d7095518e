//! Which JWTs are taken: the scheme as a whole, on keys and bytes of the test's choosing.

mod attacks;
mod claims;
mod door;
mod edges;
mod memory;
mod several;
mod vectors;
