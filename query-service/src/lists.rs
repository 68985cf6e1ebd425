//! The lists: one table, from which HTTP, gRPC and OpenAPI take them. Each is one DynamoDB query.

use crate::{
    parameters::Parameters,
    refusal::invalid,
    service::{Listed, answer},
};
use futures::future::BoxFuture;
use headwater_dynamo_repository::{Error, PageRequest, Repository};
use headwater_dynamo_schema::{FromRow, KeyPart, Range};
use headwater_edge::Problem;
use headwater_kernel::Id;
use headwater_read_models::{
    account_tree::{self, AccountRow, AccountTree, CapsuleAccountRow},
    brands::{self, BrandRow},
    capsules::{self, CapsuleRow},
    categories::{self, CategoryRow},
    invoice_view::{self, InvoiceRow},
    leads::{self, LeadRow},
    order_view::{self, OrderRow},
    price_lists::{self, PriceListRow},
    product_view::{self, ProductRow},
    variants::{self, VariantRow},
};
use headwater_tenancy::TenantScope;
use serde::Serialize;

/// One list.
pub(crate) struct List {
    pub(crate) context: &'static str,
    /// The last segment of the route.
    pub(crate) collection: &'static str,
    /// The plural name of the aggregates that the list is one of, if it is: `capsules`.
    pub(crate) parent: Option<&'static str>,
    pub(crate) projection: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) filters: &'static [Filter],
    /// The `kind` that the first item has; a list that begins otherwise is not found.
    pub(crate) root: Option<&'static str>,
    pub(crate) range: fn(&Ask<'_>) -> Result<Range, Problem>,
    pub(crate) read: Read,
}

/// A parameter that narrows a list.
pub(crate) struct Filter {
    pub(crate) name: &'static str,
    pub(crate) is_time: bool,
    pub(crate) description: &'static str,
}

/// What a caller asks of a list.
pub(crate) struct Ask<'a> {
    pub(crate) parent: Option<&'a Id>,
    pub(crate) parameters: &'a Parameters,
}

type Read =
    for<'a> fn(&'a Repository, &'a TenantScope, &'a Range, &'a PageRequest) -> BoxFuture<'a, Result<Listed, Error>>;

const OWNER: Filter = Filter {
    name: "owner_id",
    is_time: false,
    description: "Only those that this owner looks after.",
};

const CUSTOMER: Filter = Filter {
    name: "customer_id",
    is_time: false,
    description: "Only those of this customer.",
};

const FROM: Filter = Filter {
    name: "from",
    is_time: true,
    description: "Only those that began (captured, placed, drafted) at this time (RFC 3339) or later.",
};

const TO: Filter = Filter {
    name: "to",
    is_time: true,
    description: "Only those that began before this time (RFC 3339).",
};

const PLAIN: List = List {
    context: "",
    collection: "",
    parent: None,
    projection: "",
    summary: "",
    filters: &[],
    root: None,
    range: |_| Err(Problem::internal("a list without a range")),
    read: rows::<AccountTree>,
};

pub(crate) static LISTS: &[List] = &[
    List {
        context: "catalog",
        collection: "products",
        projection: product_view::PROJECTION,
        summary: "The products by id, those taken off sale too",
        range: |_| Ok(ProductRow::all()),
        read: rows::<ProductRow>,
        ..PLAIN
    },
    List {
        context: "catalog",
        collection: "variants",
        parent: Some("products"),
        projection: variants::PROJECTION,
        summary: "The variants of a product by id, those taken off sale too; `version` is the product's as it last changed",
        range: |ask| Ok(VariantRow::in_product(ask.parent()?)),
        read: rows::<VariantRow>,
        ..PLAIN
    },
    List {
        context: "catalog",
        collection: "price-lists",
        projection: price_lists::PROJECTION,
        summary: "The price lists by id, those that were retired too",
        range: |_| Ok(PriceListRow::all()),
        read: rows::<PriceListRow>,
        ..PLAIN
    },
    List {
        context: "catalog",
        collection: "brands",
        projection: brands::PROJECTION,
        summary: "The brands by id",
        range: |_| Ok(BrandRow::all()),
        read: rows::<BrandRow>,
        ..PLAIN
    },
    List {
        context: "catalog",
        collection: "categories",
        projection: categories::PROJECTION,
        summary: "The categories by id",
        range: |_| Ok(CategoryRow::all()),
        read: rows::<CategoryRow>,
        ..PLAIN
    },
    List {
        context: "crm",
        collection: "capsules",
        projection: capsules::PROJECTION,
        summary: "The capsules by id",
        range: |_| Ok(CapsuleRow::all()),
        read: rows::<CapsuleRow>,
        ..PLAIN
    },
    List {
        context: "crm",
        collection: "accounts",
        parent: Some("capsules"),
        projection: account_tree::PROJECTION,
        summary: "The open accounts of a capsule, by id",
        range: |ask| Ok(CapsuleAccountRow::in_capsule(ask.parent()?)),
        read: rows::<CapsuleAccountRow>,
        ..PLAIN
    },
    List {
        context: "crm",
        collection: "accounts",
        projection: account_tree::PROJECTION,
        summary: "The accounts in the order in which they were opened",
        filters: &[OWNER],
        range: |ask| {
            let owner = ask.parameters.id("owner_id")?;
            Ok(owner.map_or_else(AccountRow::by_created_at, |owner| AccountRow::by_owner_id(&owner)))
        },
        read: rows::<AccountRow>,
        ..PLAIN
    },
    List {
        context: "crm",
        collection: "tree",
        parent: Some("accounts"),
        projection: account_tree::PROJECTION,
        summary: "An account, then each of its opportunities followed by its line items; `kind` tells which",
        root: Some("account"),
        range: |ask| Ok(AccountRow::tree_of_account(ask.parent()?)),
        read: rows::<AccountTree>,
        ..PLAIN
    },
    List {
        context: "crm",
        collection: "leads",
        projection: leads::PROJECTION,
        summary: "The leads, the newest first",
        filters: &[OWNER, FROM, TO],
        range: |ask| {
            let owner = ask.parameters.id("owner_id")?;
            let range = owner.map_or_else(LeadRow::by_captured_at, |owner| LeadRow::by_owner_id(&owner));
            Ok(ask.between(range)?.descending())
        },
        read: rows::<LeadRow>,
        ..PLAIN
    },
    List {
        context: "orders",
        collection: "orders",
        projection: order_view::PROJECTION,
        summary: "The orders, the newest first",
        filters: &[CUSTOMER, FROM, TO],
        range: |ask| {
            let customer = ask.parameters.id("customer_id")?;
            let range = customer.map_or_else(OrderRow::by_placed_at, |customer| OrderRow::by_customer_id(&customer));
            Ok(ask.between(range)?.descending())
        },
        read: rows::<OrderRow>,
        ..PLAIN
    },
    List {
        context: "billing",
        collection: "invoices",
        projection: invoice_view::PROJECTION,
        summary: "The invoices, those drafted last first",
        filters: &[CUSTOMER, FROM, TO],
        range: |ask| {
            let customer = ask.parameters.id("customer_id")?;
            let range = customer.map_or_else(InvoiceRow::by_drafted_at, |customer| {
                InvoiceRow::by_customer_id(&customer)
            });
            Ok(ask.between(range)?.descending())
        },
        read: rows::<InvoiceRow>,
        ..PLAIN
    },
];

impl List {
    /// The path of the route.
    pub(crate) fn path(&self) -> String {
        let Self {
            context,
            collection,
            parent,
            ..
        } = self;
        match parent {
            Some(parent) => format!("/v1/{context}/{parent}/{{id}}/{collection}"),
            None => format!("/v1/{context}/{collection}"),
        }
    }

    /// The list of a message.
    pub(crate) fn find(context: &str, collection: &str, parent: &str) -> Option<&'static Self> {
        LISTS.iter().find(|list| {
            list.context == context && list.collection == collection && list.parent.unwrap_or_default() == parent
        })
    }
}

impl Ask<'_> {
    fn parent(&self) -> Result<&Id, Problem> {
        self.parent.ok_or_else(|| invalid("id", "is missing"))
    }

    /// Narrows an index that is ordered by time to `from` (included) and `to` (not included).
    fn between(&self, range: Range) -> Result<Range, Problem> {
        let (from, to) = (self.parameters.time("from")?, self.parameters.time("to")?);
        if let (Some(from), Some(to)) = (from, to)
            && to < from
        {
            return Err(invalid("to", "is before from"));
        }
        // A sort key goes on after the time, so the bare time as an end leaves out what happened at it.
        Ok(range.between(from.key_part(), to.key_part()))
    }
}

fn rows<'a, T: FromRow + Serialize + 'static>(
    repository: &'a Repository,
    scope: &'a TenantScope,
    range: &'a Range,
    page: &'a PageRequest,
) -> BoxFuture<'a, Result<Listed, Error>> {
    Box::pin(async move {
        let page = repository.query::<T>(scope, range, page).await?;
        let item = |row: headwater_dynamo_repository::Row<T>| {
            // A row that was just read serialises.
            answer(serde_json::to_value(&row.entity).unwrap_or_default(), row.version)
        };
        Ok(Listed {
            items: page.items.into_iter().map(item).collect(),
            next_cursor: page.next_cursor,
        })
    })
}
