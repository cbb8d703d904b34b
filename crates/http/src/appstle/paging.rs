//! Pages and their order, in the manner of Spring (wire contract C.0).

use super::call::Call;
use super::params::Params;
use super::problem::Problem;

const SIZE_DEFAULT: u32 = 20;
const SIZE_MAX: u32 = 2_000;
/// More terms than this order nothing further.
const SORT_TERMS_MAX: usize = 8;

/// Which page is asked for, and where pages of this list lie.
pub(super) struct Page {
    /// From 0.
    number: u32,
    /// Rows on a page.
    size: u32,
    /// The address without the query.
    base: String,
    /// The other parameters.
    rest: Vec<(String, String)>,
}

impl Page {
    /// From `page` and `size`. What is no number is 400; a page below the first is the first, a size below 1 is the
    /// default, and one above the cap is the cap, as Spring has it.
    pub fn of(call: &Call, params: &Params) -> Result<Self, Problem> {
        let bounded = |name| {
            let number = params.number(name)?.map(i32::try_from).transpose();
            number.map_err(|_| super::params::expected(name, "a number of 32 bits"))
        };
        let number = bounded("page")?.map_or(0, |page| u32::try_from(page).unwrap_or(0));
        let size = bounded("size")?.and_then(|size| u32::try_from(size).ok()).filter(|size| *size > 0);
        let rest = params.pairs().filter(|(name, _)| !["page", "size"].contains(name));
        Ok(Self {
            number,
            size: size.unwrap_or(SIZE_DEFAULT).min(SIZE_MAX),
            base: format!("{}{}", call.guildhall().public_url(), call.uri().path()),
            rest: rest.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        })
    }

    /// How many rows come before the page.
    pub fn offset(&self) -> u64 {
        u64::from(self.number) * u64::from(self.size)
    }

    /// How many rows it has at most.
    pub fn size(&self) -> u32 {
        self.size
    }

    /// The page of a list that is in memory.
    pub fn cut<T>(&self, rows: impl IntoIterator<Item = T>) -> Vec<T> {
        let before = usize::try_from(self.offset()).unwrap_or(usize::MAX);
        rows.into_iter().skip(before).take(self.size as usize).collect()
    }

    /// The `Link` header: next and prev where there is one, last and first always. A key that came in the query does
    /// not stand in it.
    pub fn links(&self, total: u64) -> String {
        let pages = total.div_ceil(self.size.into());
        let last = u32::try_from(pages.saturating_sub(1)).unwrap_or(u32::MAX);
        let mut links = Vec::with_capacity(4);
        if u64::from(self.number) + 1 < pages {
            links.push(self.link(self.number.saturating_add(1), "next"));
        }
        if self.number > 0 {
            links.push(self.link(self.number - 1, "prev"));
        }
        links.push(self.link(last, "last"));
        links.push(self.link(0, "first"));
        links.join(",")
    }

    fn link(&self, number: u32, rel: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.rest);
        query.append_pair("page", &number.to_string()).append_pair("size", &self.size.to_string());
        format!("<{}?{}>; rel=\"{rel}\"", self.base, query.finish())
    }
}

/// By what a list is ordered, and whether downwards.
pub(super) type Order<F> = Vec<(F, bool)>;

/// The terms of `sort=field,asc|desc`, which may be sent more than once. Fields go by their name in snake_case, as
/// the vendor's database has them, or in camelCase, as its documents do. A field that is not known is 400.
pub(super) fn order<F: Copy>(params: &Params, known: &[(&str, F)]) -> Result<Order<F>, Problem> {
    let mut terms = Vec::new();
    for text in params.all("sort") {
        let mut names: Vec<_> = text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        let direction = names.last().map(|name| name.to_ascii_lowercase());
        let downwards = direction.as_deref() == Some("desc");
        if downwards || direction.as_deref() == Some("asc") {
            names.pop();
        }
        for name in names {
            let wanted = snake_case(name);
            let field = known.iter().find(|(known, _)| *known == wanted).map(|(_, field)| *field);
            let field = field.ok_or_else(|| {
                let all: Vec<_> = known.iter().map(|(name, _)| *name).collect();
                Problem::parameter(format!("Parameter 'sort' can name {}.", all.join(", ")))
            })?;
            terms.push((field, downwards));
        }
    }
    terms.truncate(SORT_TERMS_MAX);
    Ok(terms)
}

/// `nextBillingDate` as `next_billing_date`; what is in snake_case already stays.
fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(number: u32, size: u32, rest: &[(&str, &str)]) -> Page {
        let rest = rest.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        Page { number, size, base: "http://h/x".into(), rest: rest.collect() }
    }

    #[test]
    fn links_are_next_prev_last_first_where_they_exist() {
        let at = |number, size| format!("<http://h/x?page={number}&size={size}>");
        assert_eq!(
            page(0, 2, &[]).links(5),
            format!("{};{};{}", at(1, 2), at(2, 2), at(0, 2))
                .split(';')
                .zip(["next", "last", "first"])
                .map(|(at, rel)| format!("{at}; rel=\"{rel}\""))
                .collect::<Vec<_>>()
                .join(",")
        );
        assert!(page(1, 2, &[]).links(5).starts_with(
            "<http://h/x?page=2&size=2>; rel=\"next\",<http://h/x?page=0&size=2>; rel=\"prev\","
        ));
        assert!(!page(2, 2, &[]).links(5).contains("next"));
        assert_eq!(
            page(0, 20, &[]).links(0),
            "<http://h/x?page=0&size=20>; rel=\"last\",<http://h/x?page=0&size=20>; rel=\"first\""
        );
        assert!(page(u32::MAX, 2000, &[]).links(u64::MAX).contains("rel=\"first\""), "nothing overflows");
        assert!(
            page(0, 1, &[("sort", "id,desc"), ("n", "a b>")])
                .links(2)
                .starts_with("<http://h/x?sort=id%2Cdesc&n=a+b%3E&page=1&")
        );
    }

    #[test]
    fn fields_go_by_either_case() {
        let known = [("id", 'i'), ("next_billing_date", 'n')];
        let read = |query: &str| {
            let params = Params::of(&format!("/x?{query}").parse().expect("a URI")).expect("parameters");
            order(&params, &known)
        };
        assert_eq!(read("sort=id,desc&sort=nextBillingDate").expect("known"), [('i', true), ('n', false)]);
        assert_eq!(read("sort=next_billing_date,id,DESC").expect("known"), [('n', true), ('i', true)]);
        assert_eq!(read("sort=,&sort=desc&pageable.sort=x").expect("nothing"), []);
        assert!(read("sort=password,asc").is_err());
    }
}
