//! What a client may send about a deal.

use crate::deal::Deal;
use crate::values::{BUSINESS_PLANS, LOAN_TYPES, TRANSACTION_TYPES};
use keyward_core::input::{Field, Fields, Invalid};
use keyward_core::json::Json;
use keyward_core::money::Cents;

/// The longest description, in characters.
const MAX_DESCRIPTION: usize = 10_000;

/// The fields of a deal as they were sent: absent is not null.
#[derive(Clone, Debug)]
pub struct DealChanges {
    /// 1 to 255 characters, not blank.
    pub title: Field<String>,
    /// Not negative, at most two decimal places.
    pub loan_amount: Field<Cents>,
    /// One of [`LOAN_TYPES`].
    pub loan_type: Field<&'static str>,
    /// One of [`TRANSACTION_TYPES`].
    pub transaction_type: Field<&'static str>,
    /// One of [`BUSINESS_PLANS`].
    pub business_plan: Field<&'static str>,
    /// At most 10,000 characters.
    pub description: Field<String>,
    /// `YYYY-MM-DD`.
    pub estimated_close_date: Field<String>,
}

/// A deal to be made: [`DealChanges`] with a title.
#[derive(Clone, Debug)]
pub struct NewDeal {
    /// 1 to 255 characters, not blank.
    pub title: String,
    /// All else.
    pub fields: DealChanges,
}

impl NewDeal {
    /// Reads the body of `POST /deals`.
    ///
    /// # Errors
    /// [`Invalid`] with every mistake.
    pub fn read(body: &Json) -> Result<Self, Invalid> {
        let mut fields = Fields::of(body)?;
        let read = DealChanges::take(&mut fields);
        let title = fields.required("title", read.title.clone());
        fields.finish()?;
        // `finish` has reported a missing title.
        let title = title.ok_or_else(|| Invalid::one("title", "title is required"))?;
        Ok(Self { title, fields: read })
    }
}

impl DealChanges {
    /// Reads the body of `PATCH /deals/{deal_id}`: at least one field; null clears one, but for the title.
    ///
    /// # Errors
    /// [`Invalid`] with every mistake.
    pub fn read(body: &Json) -> Result<Self, Invalid> {
        let mut fields = Fields::of(body)?;
        let read = Self::take(&mut fields);
        if matches!(read.title, Field::Null) {
            fields.fail("title", "title must not be null");
        }
        if matches!(body, Json::Object(members) if members.is_empty()) {
            fields.fail("body", "Request body must contain at least one field to update");
        }
        fields.finish()?;
        Ok(read)
    }

    fn take(fields: &mut Fields<'_>) -> Self {
        Self {
            title: fields.string("title", 1, 255),
            loan_amount: fields.money("loan_amount"),
            loan_type: fields.choice("loan_type", LOAN_TYPES),
            transaction_type: fields.choice("transaction_type", TRANSACTION_TYPES),
            business_plan: fields.choice("business_plan", BUSINESS_PLANS),
            description: fields.string("description", 0, MAX_DESCRIPTION),
            estimated_close_date: fields.date("estimated_close_date").map(|date| date.to_string()),
        }
    }

    /// The deal with these changes.
    #[must_use]
    pub fn applied_to(self, deal: Deal) -> Deal {
        Deal {
            title: changed(self.title, Some(deal.title)).unwrap_or_default(),
            loan_amount: changed(self.loan_amount, deal.loan_amount),
            loan_type: changed(self.loan_type, deal.loan_type),
            transaction_type: changed(self.transaction_type, deal.transaction_type),
            business_plan: changed(self.business_plan, deal.business_plan),
            description: changed(self.description, deal.description),
            estimated_close_date: changed(self.estimated_close_date, deal.estimated_close_date),
            ..deal
        }
    }
}

fn changed<T>(field: Field<T>, current: Option<T>) -> Option<T> {
    match field {
        Field::Absent => current,
        Field::Null => None,
        Field::Value(value) => Some(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Json {
        keyward_core::json::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_new_deal_needs_a_title_and_nothing_else() {
        assert_eq!(NewDeal::read(&json(r#"{"title":"A"}"#)).unwrap().title, "A");
        for bad in ["{}", r#"{"title":null}"#, r#"{"title":""}"#, r#"{"title":" "}"#, r#"{"title":1}"#, "[]"]
        {
            assert!(NewDeal::read(&json(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_mistake_is_listed() {
        let body = json(r#"{"title":"","loan_amount":1.005,"loan_type":"x","owner_account_id":2}"#);
        let fields: Vec<String> =
            NewDeal::read(&body).unwrap_err().errors.into_iter().map(|e| e.field).collect();
        assert_eq!(fields, ["title", "loan_amount", "loan_type", "owner_account_id"]);
    }

    #[test]
    fn a_change_needs_a_field_and_keeps_the_title() {
        assert!(DealChanges::read(&json("{}")).is_err());
        assert!(DealChanges::read(&json(r#"{"title":null}"#)).is_err());
        let cleared = DealChanges::read(&json(r#"{"loan_amount":null}"#)).unwrap();
        assert!(matches!(cleared.loan_amount, Field::Null) && cleared.title.is_absent());
    }
}
