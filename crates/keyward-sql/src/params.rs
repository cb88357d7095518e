//! The parameters of a statement, as its caller writes them: `[]`, `[one]`, `params![several, of, any, kind]`.

use crate::value::{ToValue, Value};

/// Parameters in the order of their numbers, from `?1` on.
pub trait Params {
    /// Hands their values over.
    fn bind<T>(self, to: impl FnOnce(&[Value<'_>]) -> T) -> T;
}

/// Parameters of different kinds, for [`Params`].
#[macro_export]
macro_rules! params {
    () => {
        &[] as &[&dyn $crate::ToValue]
    };
    ($($param:expr),+ $(,)?) => {
        &[$(&$param as &dyn $crate::ToValue),+] as &[&dyn $crate::ToValue]
    };
}

impl Params for &[&dyn ToValue] {
    fn bind<T>(self, to: impl FnOnce(&[Value<'_>]) -> T) -> T {
        let values: Vec<Value<'_>> = self.iter().map(|param| param.to_value()).collect();
        to(&values)
    }
}

/// None. The kind of what an empty list holds is named here, for nobody else can tell.
impl Params for [&dyn ToValue; 0] {
    fn bind<T>(self, to: impl FnOnce(&[Value<'_>]) -> T) -> T {
        to(&[])
    }
}

macro_rules! of_one_kind {
    ($($count:literal),*) => {$(
        impl<V: ToValue> Params for [V; $count] {
            fn bind<T>(self, to: impl FnOnce(&[Value<'_>]) -> T) -> T {
                to(&self.each_ref().map(ToValue::to_value))
            }
        }
    )*};
}

of_one_kind!(1, 2, 3, 4, 5, 6);

impl<A: ToValue, B: ToValue> Params for (A, B) {
    fn bind<T>(self, to: impl FnOnce(&[Value<'_>]) -> T) -> T {
        to(&[self.0.to_value(), self.1.to_value()])
    }
}

/// As many parameters as there are.
#[derive(Clone, Debug)]
pub struct FromIter<I>(I);

/// As many parameters as there are, for [`Params`].
pub fn params_from_iter<I: IntoIterator<Item: ToValue>>(params: I) -> FromIter<I> {
    FromIter(params)
}

impl<I: IntoIterator<Item: ToValue>> Params for FromIter<I> {
    fn bind<T>(self, to: impl FnOnce(&[Value<'_>]) -> T) -> T {
        let params: Vec<I::Item> = self.0.into_iter().collect();
        let values: Vec<Value<'_>> = params.iter().map(ToValue::to_value).collect();
        to(&values)
    }
}
