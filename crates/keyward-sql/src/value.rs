//! Values as they go into a database and come out of it, whichever it is.

use std::borrow::Cow;
use std::sync::Arc;

/// A value, borrowed from whoever has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'v> {
    /// Nothing.
    Null,
    /// A whole number.
    Int(i64),
    /// Another number.
    Real(f64),
    /// A flag. Where it is stored it is 0 or 1.
    Bool(bool),
    /// A text.
    Text(&'v str),
    /// Bytes.
    Bytes(&'v [u8]),
}

/// A value of its own.
#[derive(Clone, Debug, PartialEq)]
pub enum Owned {
    /// Nothing.
    Null,
    /// A whole number.
    Int(i64),
    /// Another number.
    Real(f64),
    /// A flag.
    Bool(bool),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

/// What can be a parameter of a statement.
pub trait ToValue {
    /// The value.
    fn to_value(&self) -> Value<'_>;
}

/// What can be read from a column.
pub trait FromValue: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// [`Mismatch`] where the column holds something else: nothing is guessed.
    fn from_value(value: Value<'_>) -> Result<Self, Mismatch>;
}

/// Why a value cannot be read as what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// It is of another kind, which is named.
    #[error("it is of another type ({0})")]
    Kind(&'static str),
    /// A whole number that does not fit.
    #[error("the number {0} is out of range")]
    Range(i64),
    /// Bytes of another length.
    #[error("it has {0} bytes")]
    Length(usize),
}

impl Value<'_> {
    /// What kind of value it is.
    fn kind(self) -> Mismatch {
        Mismatch::Kind(match self {
            Self::Null => "null",
            Self::Int(_) => "integer",
            Self::Real(_) => "real",
            Self::Bool(_) => "boolean",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
        })
    }
}

impl ToValue for Value<'_> {
    #[inline]
    fn to_value(&self) -> Value<'_> {
        *self
    }
}

impl ToValue for Owned {
    #[inline]
    fn to_value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Int(number) => Value::Int(*number),
            Self::Real(number) => Value::Real(*number),
            Self::Bool(flag) => Value::Bool(*flag),
            Self::Text(text) => Value::Text(text),
            Self::Bytes(bytes) => Value::Bytes(bytes),
        }
    }
}

impl FromValue for Owned {
    #[inline]
    fn from_value(value: Value<'_>) -> Result<Self, Mismatch> {
        Ok(match value {
            Value::Null => Self::Null,
            Value::Int(number) => Self::Int(number),
            Value::Real(number) => Self::Real(number),
            Value::Bool(flag) => Self::Bool(flag),
            Value::Text(text) => Self::Text(text.to_owned()),
            Value::Bytes(bytes) => Self::Bytes(bytes.to_owned()),
        })
    }
}

impl From<i64> for Owned {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<f64> for Owned {
    fn from(number: f64) -> Self {
        Self::Real(number)
    }
}

impl From<String> for Owned {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

macro_rules! whole_numbers {
    ($($number:ty),*) => {$(
        impl ToValue for $number {
            #[inline]
            fn to_value(&self) -> Value<'_> {
                Value::Int(i64::from(*self))
            }
        }

        impl FromValue for $number {
            #[inline]
            fn from_value(value: Value<'_>) -> Result<Self, Mismatch> {
                let number = i64::from_value(value)?;
                Self::try_from(number).map_err(|_| Mismatch::Range(number))
            }
        }
    )*};
}

whole_numbers!(u8, u16, u32, i8, i16, i32);

impl ToValue for i64 {
    #[inline]
    fn to_value(&self) -> Value<'_> {
        Value::Int(*self)
    }
}

impl FromValue for i64 {
    #[inline]
    fn from_value(value: Value<'_>) -> Result<Self, Mismatch> {
        match value {
            Value::Int(number) => Ok(number),
            other => Err(other.kind()),
        }
    }
}

impl ToValue for f64 {
    #[inline]
    fn to_value(&self) -> Value<'_> {
        Value::Real(*self)
    }
}

impl FromValue for f64 {
    #[inline]
    fn from_value(value: Value<'_>) -> Result<Self, Mismatch> {
        match value {
            // What is whole in a column of numbers; beyond 2^53 the nearest one.
            Value::Int(number) => Ok(number as Self),
            Value::Real(number) => Ok(number),
            other => Err(other.kind()),
        }
    }
}

impl ToValue for bool {
    #[inline]
    fn to_value(&self) -> Value<'_> {
        Value::Bool(*self)
    }
}

impl FromValue for bool {
    #[inline]
    fn from_value(value: Value<'_>) -> Result<Self, Mismatch> {
        match value {
            Value::Int(number) => Ok(number != 0),
            Value::Bool(flag) => Ok(flag),
            other => Err(other.kind()),
        }
    }
}

impl ToValue for str {
    #[inline]
    fn to_value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl FromValue for String {
    #[inline]
    fn from_value(value: Value<'_>) -> Result<Self, Mismatch> {
        match value {
            Value::Text(text) => Ok(text.to_owned()),
            other => Err(other.kind()),
        }
    }
}

impl ToValue for [u8] {
    #[inline]
    fn to_value(&self) -> Value<'_> {
        Value::Bytes(self)
    }
}

impl<const N: usize> ToValue for [u8; N] {
    #[inline]
    fn to_value(&self) -> Value<'_> {
        Value::Bytes(self)
    }
}

impl<const N: usize> FromValue for [u8; N] {
    #[inline]
    fn from_value(value: Value<'_>) -> Result<Self, Mismatch> {
        match value {
            Value::Bytes(bytes) => bytes.try_into().map_err(|_| Mismatch::Length(bytes.len())),
            other => Err(other.kind()),
        }
    }
}

impl FromValue for Vec<u8> {
    #[inline]
    fn from_value(value: Value<'_>) -> Result<Self, Mismatch> {
        match value {
            Value::Bytes(bytes) => Ok(bytes.to_owned()),
            other => Err(other.kind()),
        }
    }
}

macro_rules! as_what_it_holds {
    ($($holder:ty),*) => {$(
        impl ToValue for $holder {
            #[inline]
            fn to_value(&self) -> Value<'_> {
                (**self).to_value()
            }
        }
    )*};
}

as_what_it_holds!(String, Vec<u8>, Box<str>, Arc<str>, Cow<'_, str>);

impl<T: ToValue + ?Sized> ToValue for &T {
    #[inline]
    fn to_value(&self) -> Value<'_> {
        (**self).to_value()
    }
}

impl<T: ToValue> ToValue for Option<T> {
    #[inline]
    fn to_value(&self) -> Value<'_> {
        match self {
            Some(value) => value.to_value(),
            None => Value::Null,
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    #[inline]
    fn from_value(value: Value<'_>) -> Result<Self, Mismatch> {
        match value {
            Value::Null => Ok(None),
            value => T::from_value(value).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_as_what_it_is_or_not_at_all() {
        assert_eq!(u32::from_value(Value::Int(7)), Ok(7));
        assert_eq!(u32::from_value(Value::Int(-1)), Err(Mismatch::Range(-1)));
        assert_eq!(i64::from_value(Value::Real(1.0)), Err(Mismatch::Kind("real")));
        assert_eq!(f64::from_value(Value::Int(2)), Ok(2.0));
        assert_eq!(
            (bool::from_value(Value::Int(2)), bool::from_value(Value::Bool(false))),
            (Ok(true), Ok(false))
        );
        assert_eq!(String::from_value(Value::Bytes(b"a")), Err(Mismatch::Kind("bytes")));
        assert_eq!(Vec::<u8>::from_value(Value::Text("a")), Err(Mismatch::Kind("text")));
        assert_eq!(<[u8; 2]>::from_value(Value::Bytes(b"abc")), Err(Mismatch::Length(3)));
        assert_eq!(Option::<i64>::from_value(Value::Null), Ok(None));
        assert_eq!(i64::from_value(Value::Null), Err(Mismatch::Kind("null")));
    }
}
