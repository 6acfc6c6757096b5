//! `yu meter`, `yu invoice`, `yu product`.

use super::args::{InvoiceCommand, MeterCommand, ProductCommand};
use crate::admin::AdminAsk;
use crate::market::MarketAsk;

fn about(about: MarketAsk) -> AdminAsk {
    AdminAsk::Market { about }
}

pub(super) fn meter(command: MeterCommand) -> AdminAsk {
    about(match command {
        MeterCommand::File => MarketAsk::MeterFile,
        MeterCommand::Show { job } => MarketAsk::MeterShow { job },
        MeterCommand::Fairness => MarketAsk::MeterFairness,
    })
}

pub(super) fn invoice(command: InvoiceCommand) -> AdminAsk {
    about(match command {
        InvoiceCommand::Draw { month } => MarketAsk::InvoiceDraw { month },
        InvoiceCommand::Show { month } => MarketAsk::InvoiceShow { month },
        InvoiceCommand::Costs { month } => MarketAsk::InvoiceCosts { month },
        InvoiceCommand::Quote { job, cpu_ms } => MarketAsk::InvoiceQuote { job, cpu_ms },
    })
}

pub(super) fn product(command: ProductCommand) -> AdminAsk {
    about(match command {
        ProductCommand::Check { version } => MarketAsk::ProductCheck { version },
        ProductCommand::List { version, number, registry } => MarketAsk::ProductList { version, registration: number.zip(registry) },
        ProductCommand::Dossier { product } => MarketAsk::ProductDossier { product },
        ProductCommand::Registered { product } => MarketAsk::ProductRegistered { product },
        ProductCommand::Trade { product, exchange } => MarketAsk::ProductTrade { product, exchange },
    })
}
