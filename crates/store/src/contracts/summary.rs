//! What a member's row carries of its contracts.

use guildhall_domain::Timestamp;
use guildhall_domain::contract::{ConnectionStatus, ContractKind, ContractSummary, PaymentSummary};
use guildhall_domain::ids::{ContractId, PlanId, PriceId};

/// Oldest first: a line each, the parts between tabs. Ids hold neither. What is free has five parts, what is
/// paid thirteen.
pub(crate) fn to_summary(contracts: &[ContractSummary]) -> String {
    let mut ordered: Vec<&ContractSummary> = contracts.iter().collect();
    ordered.sort_by_key(|contract| (contract.created_at, contract.id.as_str()));
    ordered.iter().map(|contract| line(contract)).collect::<Vec<_>>().join("\n")
}

fn line(contract: &ContractSummary) -> String {
    let (kind, status) = (contract.kind.as_str(), contract.status.as_str());
    let created_at = contract.created_at.micros();
    let plan = contract.plan.as_ref().map_or("", PlanId::as_str);
    let mut line = format!("{}\t{plan}\t{kind}\t{status}\t{created_at}", contract.id);
    if let Some(payment) = &contract.payment {
        let access = u8::from(contract.access);
        let paid = payment.paid.map_or("", |paid| if paid { "1" } else { "0" });
        let time = |at: Option<Timestamp>| at.map_or_else(String::new, |at| at.micros().to_string());
        let price = payment.price.as_ref().map_or("", PriceId::as_str);
        let parts = [
            access.to_string(),
            payment.minor.to_string(),
            payment.currency.clone(),
            paid.to_owned(),
            time(payment.last_at),
            time(payment.next_at),
            time(payment.cancel_at),
            price.to_owned(),
        ];
        for part in parts {
            line.push('\t');
            line.push_str(&part);
        }
    }
    line
}

/// The contracts in a summary; nothing if it is none.
pub(crate) fn from_summary(summary: &str) -> Option<Vec<ContractSummary>> {
    summary.lines().map(contract).collect()
}

fn contract(line: &str) -> Option<ContractSummary> {
    let mut parts = line.split('\t');
    let mut contract = ContractSummary {
        id: ContractId::from_text(parts.next()?),
        plan: Some(parts.next()?).filter(|plan| !plan.is_empty()).map(PlanId::from_text),
        kind: ContractKind::from_stored(parts.next()?)?,
        status: ConnectionStatus::from_stored(parts.next()?)?,
        created_at: Timestamp::from_micros(parts.next()?.parse().ok()?),
        access: true,
        payment: None,
    };
    let Some(access) = parts.next() else {
        return Some(contract);
    };
    contract.access = access == "1";
    contract.payment = Some(PaymentSummary {
        minor: parts.next()?.parse().ok()?,
        currency: parts.next()?.to_owned(),
        paid: Some(parts.next()?).filter(|paid| !paid.is_empty()).map(|paid| paid == "1"),
        last_at: time(parts.next()?)?,
        next_at: time(parts.next()?)?,
        cancel_at: time(parts.next()?)?,
        price: Some(parts.next()?).filter(|price| !price.is_empty()).map(PriceId::from_text),
    });
    parts.next().is_none().then_some(contract)
}

/// A time or none, in a part that may be empty.
fn time(part: &str) -> Option<Option<Timestamp>> {
    if part.is_empty() { Some(None) } else { part.parse().ok().map(Timestamp::from_micros).map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_reads_back_in_order_of_age() {
        let free = |id: &str, at| ContractSummary {
            id: ContractId::from_text(id),
            plan: Some(PlanId::from_text(format!("pln_{id}"))),
            kind: ContractKind::Free,
            status: ConnectionStatus::Active,
            access: true,
            created_at: Timestamp::from_micros(at),
            payment: None,
        };
        let paid = ContractSummary {
            plan: None,
            kind: ContractKind::Recurring,
            status: ConnectionStatus::RequiresPayment,
            access: false,
            payment: Some(PaymentSummary {
                minor: 1_999,
                currency: "eur".into(),
                paid: Some(false),
                last_at: Some(Timestamp::from_micros(7)),
                next_at: None,
                cancel_at: Some(Timestamp::from_micros(-1)),
                price: Some(PriceId::from_text("prc_1")),
            }),
            ..free("con_c", 3)
        };
        let (older, newer) = (free("con_b", 1), free("con_a", 2));
        let summary = to_summary(&[newer.clone(), paid.clone(), older.clone()]);
        assert_eq!(from_summary(&summary), Some(vec![older, newer, paid]));
        assert_eq!(from_summary(""), Some(Vec::new()));
        assert_eq!(from_summary("con_a\tpln_a"), None);
    }
}
