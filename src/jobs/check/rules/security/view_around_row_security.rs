use crate::facts::health::{Health, RowSecurityView};
use crate::findings::{Finding, Rule};
use crate::jobs::check::rules::{Found, Judged, NotJudged};

pub const RULE: Rule = Rule::VIEW_AROUND_ROW_SECURITY;

pub fn judge(health: &Health) -> Judged {
    let Some(views) = health.security.views.seen()? else {
        return Err(NotJudged::Skipped("PostgreSQL has security_invoker since 15"));
    };
    Ok(views.iter().map(finding).collect::<Found>())
}

fn finding(RowSecurityView { object, tables, owner }: &RowSecurityView) -> Finding {
    let message = format!(
        "it shows others all rows of {tables}: it reads with the rights of {owner}, whom no policy binds"
    );
    Finding::new(&RULE, None, message)
        .about(object)
        .help("if the policies are to hold for who reads the view, let it read with their rights")
        .command(format!("ALTER VIEW {object} SET (security_invoker = true)"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Known;
    use crate::facts::health::Security;

    #[test]
    fn before_15_there_is_no_choice() {
        let of = |views| {
            let security = Security { views: Known::Known(views), ..Security::default() };
            judge(&Health { security, ..Health::default() }).map(|found| found.findings.len())
        };
        assert!(of(None).is_err());
        assert_eq!(of(Some(vec![RowSecurityView::default()])), Ok(1));
    }
}
