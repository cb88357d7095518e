//! Which JWTs are taken: the scheme as a whole, on keys and bytes of the test's choosing.

#[cfg(test)]
mod attacks;
#[cfg(test)]
mod claims;
#[cfg(test)]
mod corpus;
#[cfg(test)]
mod door;
#[cfg(test)]
mod edges;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod several;
#[cfg(test)]
mod shapes;
#[cfg(test)]
mod vectors;
