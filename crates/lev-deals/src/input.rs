//! What a client may send about a deal.

use crate::deal::Deal;
use crate::financials::FinancialChanges;
use crate::pipeline::MAX_SHOWN;
use crate::values::{BUSINESS_PLANS, LOAN_TYPES, TRANSACTION_TYPES};
use keyward_core::id::MAX_ID;
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
    /// Figures of the deal's financials; makes the record if there is none.
    pub financials: Field<FinancialChanges>,
}

/// A deal to be made: [`DealChanges`] with a title.
#[derive(Clone, Debug)]
pub struct NewDeal {
    /// 1 to 255 characters, not blank.
    pub title: String,
    /// All else.
    pub fields: DealChanges,
    /// The pipelines that it is to stand in, at their first status; each once.
    pub pipelines: Vec<i64>,
}

impl NewDeal {
    /// Reads the body of `POST /deals`.
    ///
    /// # Errors
    /// [`Invalid`] with every mistake.
    pub fn read(body: &Json) -> Result<Self, Invalid> {
        let mut fields = Fields::of(body)?;
        let read = Self::take(&mut fields);
        fields.finish()?;
        // `finish` has reported a missing title.
        read.ok_or_else(|| Invalid::one("title", "title is required"))
    }

    /// Takes the members of the body.
    pub fn take(fields: &mut Fields<'_>) -> Option<Self> {
        let read = DealChanges::take_fields(fields);
        let title = fields.required("title", read.title.clone());
        let pipelines = fields.integers("pipeline_ids", 1..=MAX_ID, MAX_SHOWN).value();
        // Absent: in no pipeline.
        let mut pipelines = pipelines.unwrap_or_default();
        pipelines.sort_unstable();
        pipelines.dedup();
        if matches!(&read.financials, Field::Value(changes) if !changes.has_amount()) {
            fields.fail(
                "deal_financials",
                "deal_financials must have an amount: there is nothing to clear yet",
            );
        }
        Some(Self { title: title?, fields: read, pipelines })
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
        fields.finish()?;
        Ok(read)
    }

    /// Takes the members of the body.
    pub fn take(fields: &mut Fields<'_>) -> Self {
        let read = Self::take_fields(fields);
        fields.not_null("title", &read.title);
        fields.not_empty("Request body must contain at least one field to update");
        read
    }

    fn take_fields(fields: &mut Fields<'_>) -> Self {
        Self {
            title: fields.string("title", 1, 255),
            loan_amount: fields.money("loan_amount"),
            loan_type: fields.choice("loan_type", LOAN_TYPES),
            transaction_type: fields.choice("transaction_type", TRANSACTION_TYPES),
            business_plan: fields.choice("business_plan", BUSINESS_PLANS),
            description: fields.string("description", 0, MAX_DESCRIPTION),
            estimated_close_date: fields.date("estimated_close_date").map(|date| date.to_string()),
            financials: FinancialChanges::take(fields),
        }
    }

    /// The deal with these changes.
    #[must_use]
    pub fn applied_to(self, deal: Deal) -> Deal {
        Deal {
            // Absent: never, a title cannot be cleared.
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
    fn figures_are_read_within_their_object() {
        let read = |text: &str| NewDeal::read(&json(&format!(r#"{{"title":"A",{text}}}"#)));
        let read_all =
            read(r#""deal_financials":{"land_cost":1.5,"total_cost":null},"pipeline_ids":[2,1,2]"#).unwrap();
        assert_eq!(read_all.pipelines, [1, 2]);
        let Field::Value(FinancialChanges(figures)) = &read_all.fields.financials else { panic!("none") };
        assert_eq!(figures[4], Field::Value(Cents::new(150).unwrap()));
        assert_eq!((figures[2], figures[0]), (Field::Null, Field::Absent));
        for (bad, told) in [
            (r#""deal_financials":{}"#, "deal_financials: deal_financials must contain at least one field"),
            (r#""deal_financials":null"#, "deal_financials must be an object"),
            (r#""deal_financials":{"land_cost":-1}"#, "deal_financials: land_cost must not be negative"),
            (r#""deal_financials":{"noi":1}"#, "deal_financials: Unknown member 'noi'"),
            (
                r#""deal_financials":{"land_cost":null}"#,
                "deal_financials must have an amount: there is nothing to clear yet",
            ),
            (r#""pipeline_ids":[0]"#, "pipeline_ids[0] must be between 1 and 9007199254740991"),
            (r#""pipeline_ids":[]"#, "pipeline_ids must have at least one item"),
        ] {
            let invalid = read(bad).unwrap_err();
            assert_eq!(invalid.to_string(), told);
        }
        let invalid = read(r#""deal_financials":{"land_cost":-1}"#).unwrap_err();
        assert_eq!(invalid.errors[0].field, "deal_financials.land_cost");
    }

    #[test]
    fn a_change_needs_a_field_and_keeps_the_title() {
        assert!(DealChanges::read(&json("{}")).is_err());
        assert!(DealChanges::read(&json(r#"{"title":null}"#)).is_err());
        let cleared = DealChanges::read(&json(r#"{"loan_amount":null}"#)).unwrap();
        assert!(matches!(cleared.loan_amount, Field::Null) && cleared.title.is_absent());
    }
}
