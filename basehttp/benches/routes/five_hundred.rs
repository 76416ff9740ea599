// Ten routes for each of fifty nouns.
#[http_handler]
impl FiveHundred {
    #[route(GET, "/accounts")]
    fn accounts_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/accounts")]
    fn accounts_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/accounts/{id}")]
    fn accounts_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/accounts/{id}")]
    fn accounts_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/accounts/{id}")]
    fn accounts_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/accounts/{id}/notes")]
    fn accounts_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/accounts/{id}/notes")]
    fn accounts_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/accounts/{id}/notes/{note}")]
    fn accounts_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/accounts/{id}/notes/{note}")]
    fn accounts_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/accounts/search/{text..}")]
    fn accounts_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/addresses")]
    fn addresses_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/addresses")]
    fn addresses_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/addresses/{id}")]
    fn addresses_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/addresses/{id}")]
    fn addresses_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/addresses/{id}")]
    fn addresses_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/addresses/{id}/notes")]
    fn addresses_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/addresses/{id}/notes")]
    fn addresses_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/addresses/{id}/notes/{note}")]
    fn addresses_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/addresses/{id}/notes/{note}")]
    fn addresses_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/addresses/search/{text..}")]
    fn addresses_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/alerts")]
    fn alerts_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/alerts")]
    fn alerts_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/alerts/{id}")]
    fn alerts_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/alerts/{id}")]
    fn alerts_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/alerts/{id}")]
    fn alerts_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/alerts/{id}/notes")]
    fn alerts_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/alerts/{id}/notes")]
    fn alerts_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/alerts/{id}/notes/{note}")]
    fn alerts_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/alerts/{id}/notes/{note}")]
    fn alerts_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/alerts/search/{text..}")]
    fn alerts_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/assets")]
    fn assets_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/assets")]
    fn assets_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/assets/{id}")]
    fn assets_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/assets/{id}")]
    fn assets_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/assets/{id}")]
    fn assets_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/assets/{id}/notes")]
    fn assets_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/assets/{id}/notes")]
    fn assets_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/assets/{id}/notes/{note}")]
    fn assets_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/assets/{id}/notes/{note}")]
    fn assets_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/assets/search/{text..}")]
    fn assets_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/audits")]
    fn audits_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/audits")]
    fn audits_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/audits/{id}")]
    fn audits_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/audits/{id}")]
    fn audits_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/audits/{id}")]
    fn audits_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/audits/{id}/notes")]
    fn audits_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/audits/{id}/notes")]
    fn audits_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/audits/{id}/notes/{note}")]
    fn audits_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/audits/{id}/notes/{note}")]
    fn audits_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/audits/search/{text..}")]
    fn audits_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/badges")]
    fn badges_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/badges")]
    fn badges_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/badges/{id}")]
    fn badges_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/badges/{id}")]
    fn badges_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/badges/{id}")]
    fn badges_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/badges/{id}/notes")]
    fn badges_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/badges/{id}/notes")]
    fn badges_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/badges/{id}/notes/{note}")]
    fn badges_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/badges/{id}/notes/{note}")]
    fn badges_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/badges/search/{text..}")]
    fn badges_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/bills")]
    fn bills_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/bills")]
    fn bills_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/bills/{id}")]
    fn bills_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/bills/{id}")]
    fn bills_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/bills/{id}")]
    fn bills_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/bills/{id}/notes")]
    fn bills_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/bills/{id}/notes")]
    fn bills_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/bills/{id}/notes/{note}")]
    fn bills_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/bills/{id}/notes/{note}")]
    fn bills_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/bills/search/{text..}")]
    fn bills_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/boards")]
    fn boards_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/boards")]
    fn boards_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/boards/{id}")]
    fn boards_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/boards/{id}")]
    fn boards_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/boards/{id}")]
    fn boards_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/boards/{id}/notes")]
    fn boards_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/boards/{id}/notes")]
    fn boards_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/boards/{id}/notes/{note}")]
    fn boards_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/boards/{id}/notes/{note}")]
    fn boards_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/boards/search/{text..}")]
    fn boards_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/books")]
    fn books_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/books")]
    fn books_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/books/{id}")]
    fn books_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/books/{id}")]
    fn books_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/books/{id}")]
    fn books_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/books/{id}/notes")]
    fn books_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/books/{id}/notes")]
    fn books_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/books/{id}/notes/{note}")]
    fn books_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/books/{id}/notes/{note}")]
    fn books_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/books/search/{text..}")]
    fn books_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/branches")]
    fn branches_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/branches")]
    fn branches_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/branches/{id}")]
    fn branches_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/branches/{id}")]
    fn branches_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/branches/{id}")]
    fn branches_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/branches/{id}/notes")]
    fn branches_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/branches/{id}/notes")]
    fn branches_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/branches/{id}/notes/{note}")]
    fn branches_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/branches/{id}/notes/{note}")]
    fn branches_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/branches/search/{text..}")]
    fn branches_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/builds")]
    fn builds_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/builds")]
    fn builds_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/builds/{id}")]
    fn builds_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/builds/{id}")]
    fn builds_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/builds/{id}")]
    fn builds_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/builds/{id}/notes")]
    fn builds_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/builds/{id}/notes")]
    fn builds_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/builds/{id}/notes/{note}")]
    fn builds_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/builds/{id}/notes/{note}")]
    fn builds_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/builds/search/{text..}")]
    fn builds_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/calls")]
    fn calls_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/calls")]
    fn calls_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/calls/{id}")]
    fn calls_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/calls/{id}")]
    fn calls_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/calls/{id}")]
    fn calls_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/calls/{id}/notes")]
    fn calls_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/calls/{id}/notes")]
    fn calls_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/calls/{id}/notes/{note}")]
    fn calls_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/calls/{id}/notes/{note}")]
    fn calls_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/calls/search/{text..}")]
    fn calls_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/carts")]
    fn carts_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/carts")]
    fn carts_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/carts/{id}")]
    fn carts_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/carts/{id}")]
    fn carts_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/carts/{id}")]
    fn carts_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/carts/{id}/notes")]
    fn carts_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/carts/{id}/notes")]
    fn carts_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/carts/{id}/notes/{note}")]
    fn carts_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/carts/{id}/notes/{note}")]
    fn carts_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/carts/search/{text..}")]
    fn carts_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/charts")]
    fn charts_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/charts")]
    fn charts_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/charts/{id}")]
    fn charts_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/charts/{id}")]
    fn charts_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/charts/{id}")]
    fn charts_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/charts/{id}/notes")]
    fn charts_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/charts/{id}/notes")]
    fn charts_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/charts/{id}/notes/{note}")]
    fn charts_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/charts/{id}/notes/{note}")]
    fn charts_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/charts/search/{text..}")]
    fn charts_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/claims")]
    fn claims_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/claims")]
    fn claims_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/claims/{id}")]
    fn claims_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/claims/{id}")]
    fn claims_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/claims/{id}")]
    fn claims_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/claims/{id}/notes")]
    fn claims_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/claims/{id}/notes")]
    fn claims_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/claims/{id}/notes/{note}")]
    fn claims_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/claims/{id}/notes/{note}")]
    fn claims_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/claims/search/{text..}")]
    fn claims_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/clients")]
    fn clients_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/clients")]
    fn clients_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/clients/{id}")]
    fn clients_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/clients/{id}")]
    fn clients_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/clients/{id}")]
    fn clients_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/clients/{id}/notes")]
    fn clients_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/clients/{id}/notes")]
    fn clients_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/clients/{id}/notes/{note}")]
    fn clients_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/clients/{id}/notes/{note}")]
    fn clients_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/clients/search/{text..}")]
    fn clients_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/comments")]
    fn comments_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/comments")]
    fn comments_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/comments/{id}")]
    fn comments_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/comments/{id}")]
    fn comments_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/comments/{id}")]
    fn comments_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/comments/{id}/notes")]
    fn comments_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/comments/{id}/notes")]
    fn comments_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/comments/{id}/notes/{note}")]
    fn comments_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/comments/{id}/notes/{note}")]
    fn comments_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/comments/search/{text..}")]
    fn comments_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/commits")]
    fn commits_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/commits")]
    fn commits_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/commits/{id}")]
    fn commits_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/commits/{id}")]
    fn commits_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/commits/{id}")]
    fn commits_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/commits/{id}/notes")]
    fn commits_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/commits/{id}/notes")]
    fn commits_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/commits/{id}/notes/{note}")]
    fn commits_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/commits/{id}/notes/{note}")]
    fn commits_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/commits/search/{text..}")]
    fn commits_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/credits")]
    fn credits_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/credits")]
    fn credits_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/credits/{id}")]
    fn credits_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/credits/{id}")]
    fn credits_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/credits/{id}")]
    fn credits_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/credits/{id}/notes")]
    fn credits_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/credits/{id}/notes")]
    fn credits_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/credits/{id}/notes/{note}")]
    fn credits_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/credits/{id}/notes/{note}")]
    fn credits_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/credits/search/{text..}")]
    fn credits_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/dashboards")]
    fn dashboards_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/dashboards")]
    fn dashboards_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/dashboards/{id}")]
    fn dashboards_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/dashboards/{id}")]
    fn dashboards_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/dashboards/{id}")]
    fn dashboards_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/dashboards/{id}/notes")]
    fn dashboards_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/dashboards/{id}/notes")]
    fn dashboards_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/dashboards/{id}/notes/{note}")]
    fn dashboards_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/dashboards/{id}/notes/{note}")]
    fn dashboards_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/dashboards/search/{text..}")]
    fn dashboards_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/deals")]
    fn deals_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/deals")]
    fn deals_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/deals/{id}")]
    fn deals_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/deals/{id}")]
    fn deals_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/deals/{id}")]
    fn deals_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/deals/{id}/notes")]
    fn deals_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/deals/{id}/notes")]
    fn deals_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/deals/{id}/notes/{note}")]
    fn deals_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/deals/{id}/notes/{note}")]
    fn deals_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/deals/search/{text..}")]
    fn deals_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/devices")]
    fn devices_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/devices")]
    fn devices_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/devices/{id}")]
    fn devices_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/devices/{id}")]
    fn devices_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/devices/{id}")]
    fn devices_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/devices/{id}/notes")]
    fn devices_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/devices/{id}/notes")]
    fn devices_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/devices/{id}/notes/{note}")]
    fn devices_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/devices/{id}/notes/{note}")]
    fn devices_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/devices/search/{text..}")]
    fn devices_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/drafts")]
    fn drafts_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/drafts")]
    fn drafts_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/drafts/{id}")]
    fn drafts_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/drafts/{id}")]
    fn drafts_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/drafts/{id}")]
    fn drafts_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/drafts/{id}/notes")]
    fn drafts_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/drafts/{id}/notes")]
    fn drafts_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/drafts/{id}/notes/{note}")]
    fn drafts_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/drafts/{id}/notes/{note}")]
    fn drafts_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/drafts/search/{text..}")]
    fn drafts_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/events")]
    fn events_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/events")]
    fn events_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/events/{id}")]
    fn events_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/events/{id}")]
    fn events_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/events/{id}")]
    fn events_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/events/{id}/notes")]
    fn events_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/events/{id}/notes")]
    fn events_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/events/{id}/notes/{note}")]
    fn events_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/events/{id}/notes/{note}")]
    fn events_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/events/search/{text..}")]
    fn events_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/exports")]
    fn exports_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/exports")]
    fn exports_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/exports/{id}")]
    fn exports_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/exports/{id}")]
    fn exports_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/exports/{id}")]
    fn exports_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/exports/{id}/notes")]
    fn exports_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/exports/{id}/notes")]
    fn exports_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/exports/{id}/notes/{note}")]
    fn exports_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/exports/{id}/notes/{note}")]
    fn exports_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/exports/search/{text..}")]
    fn exports_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/feeds")]
    fn feeds_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/feeds")]
    fn feeds_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/feeds/{id}")]
    fn feeds_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/feeds/{id}")]
    fn feeds_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/feeds/{id}")]
    fn feeds_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/feeds/{id}/notes")]
    fn feeds_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/feeds/{id}/notes")]
    fn feeds_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/feeds/{id}/notes/{note}")]
    fn feeds_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/feeds/{id}/notes/{note}")]
    fn feeds_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/feeds/search/{text..}")]
    fn feeds_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/files")]
    fn files_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/files")]
    fn files_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/files/{id}")]
    fn files_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/files/{id}")]
    fn files_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/files/{id}")]
    fn files_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/files/{id}/notes")]
    fn files_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/files/{id}/notes")]
    fn files_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/files/{id}/notes/{note}")]
    fn files_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/files/{id}/notes/{note}")]
    fn files_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/files/search/{text..}")]
    fn files_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/filters")]
    fn filters_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/filters")]
    fn filters_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/filters/{id}")]
    fn filters_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/filters/{id}")]
    fn filters_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/filters/{id}")]
    fn filters_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/filters/{id}/notes")]
    fn filters_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/filters/{id}/notes")]
    fn filters_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/filters/{id}/notes/{note}")]
    fn filters_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/filters/{id}/notes/{note}")]
    fn filters_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/filters/search/{text..}")]
    fn filters_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/folders")]
    fn folders_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/folders")]
    fn folders_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/folders/{id}")]
    fn folders_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/folders/{id}")]
    fn folders_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/folders/{id}")]
    fn folders_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/folders/{id}/notes")]
    fn folders_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/folders/{id}/notes")]
    fn folders_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/folders/{id}/notes/{note}")]
    fn folders_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/folders/{id}/notes/{note}")]
    fn folders_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/folders/search/{text..}")]
    fn folders_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/forms")]
    fn forms_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/forms")]
    fn forms_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/forms/{id}")]
    fn forms_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/forms/{id}")]
    fn forms_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/forms/{id}")]
    fn forms_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/forms/{id}/notes")]
    fn forms_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/forms/{id}/notes")]
    fn forms_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/forms/{id}/notes/{note}")]
    fn forms_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/forms/{id}/notes/{note}")]
    fn forms_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/forms/search/{text..}")]
    fn forms_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/grants")]
    fn grants_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/grants")]
    fn grants_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/grants/{id}")]
    fn grants_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/grants/{id}")]
    fn grants_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/grants/{id}")]
    fn grants_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/grants/{id}/notes")]
    fn grants_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/grants/{id}/notes")]
    fn grants_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/grants/{id}/notes/{note}")]
    fn grants_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/grants/{id}/notes/{note}")]
    fn grants_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/grants/search/{text..}")]
    fn grants_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/groups")]
    fn groups_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/groups")]
    fn groups_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/groups/{id}")]
    fn groups_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/groups/{id}")]
    fn groups_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/groups/{id}")]
    fn groups_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/groups/{id}/notes")]
    fn groups_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/groups/{id}/notes")]
    fn groups_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/groups/{id}/notes/{note}")]
    fn groups_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/groups/{id}/notes/{note}")]
    fn groups_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/groups/search/{text..}")]
    fn groups_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/hooks")]
    fn hooks_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/hooks")]
    fn hooks_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/hooks/{id}")]
    fn hooks_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/hooks/{id}")]
    fn hooks_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/hooks/{id}")]
    fn hooks_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/hooks/{id}/notes")]
    fn hooks_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/hooks/{id}/notes")]
    fn hooks_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/hooks/{id}/notes/{note}")]
    fn hooks_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/hooks/{id}/notes/{note}")]
    fn hooks_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/hooks/search/{text..}")]
    fn hooks_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/hosts")]
    fn hosts_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/hosts")]
    fn hosts_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/hosts/{id}")]
    fn hosts_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/hosts/{id}")]
    fn hosts_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/hosts/{id}")]
    fn hosts_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/hosts/{id}/notes")]
    fn hosts_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/hosts/{id}/notes")]
    fn hosts_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/hosts/{id}/notes/{note}")]
    fn hosts_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/hosts/{id}/notes/{note}")]
    fn hosts_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/hosts/search/{text..}")]
    fn hosts_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/imports")]
    fn imports_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/imports")]
    fn imports_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/imports/{id}")]
    fn imports_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/imports/{id}")]
    fn imports_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/imports/{id}")]
    fn imports_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/imports/{id}/notes")]
    fn imports_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/imports/{id}/notes")]
    fn imports_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/imports/{id}/notes/{note}")]
    fn imports_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/imports/{id}/notes/{note}")]
    fn imports_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/imports/search/{text..}")]
    fn imports_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/invoices")]
    fn invoices_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/invoices")]
    fn invoices_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/invoices/{id}")]
    fn invoices_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/invoices/{id}")]
    fn invoices_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/invoices/{id}")]
    fn invoices_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/invoices/{id}/notes")]
    fn invoices_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/invoices/{id}/notes")]
    fn invoices_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/invoices/{id}/notes/{note}")]
    fn invoices_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/invoices/{id}/notes/{note}")]
    fn invoices_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/invoices/search/{text..}")]
    fn invoices_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/issues")]
    fn issues_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/issues")]
    fn issues_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/issues/{id}")]
    fn issues_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/issues/{id}")]
    fn issues_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/issues/{id}")]
    fn issues_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/issues/{id}/notes")]
    fn issues_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/issues/{id}/notes")]
    fn issues_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/issues/{id}/notes/{note}")]
    fn issues_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/issues/{id}/notes/{note}")]
    fn issues_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/issues/search/{text..}")]
    fn issues_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/items")]
    fn items_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/items")]
    fn items_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/items/{id}")]
    fn items_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/items/{id}")]
    fn items_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/items/{id}")]
    fn items_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/items/{id}/notes")]
    fn items_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/items/{id}/notes")]
    fn items_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/items/{id}/notes/{note}")]
    fn items_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/items/{id}/notes/{note}")]
    fn items_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/items/search/{text..}")]
    fn items_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/jobs")]
    fn jobs_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/jobs")]
    fn jobs_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/jobs/{id}")]
    fn jobs_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/jobs/{id}")]
    fn jobs_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/jobs/{id}")]
    fn jobs_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/jobs/{id}/notes")]
    fn jobs_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/jobs/{id}/notes")]
    fn jobs_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/jobs/{id}/notes/{note}")]
    fn jobs_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/jobs/{id}/notes/{note}")]
    fn jobs_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/jobs/search/{text..}")]
    fn jobs_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/keys")]
    fn keys_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/keys")]
    fn keys_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/keys/{id}")]
    fn keys_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/keys/{id}")]
    fn keys_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/keys/{id}")]
    fn keys_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/keys/{id}/notes")]
    fn keys_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/keys/{id}/notes")]
    fn keys_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/keys/{id}/notes/{note}")]
    fn keys_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/keys/{id}/notes/{note}")]
    fn keys_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/keys/search/{text..}")]
    fn keys_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/labels")]
    fn labels_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/labels")]
    fn labels_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/labels/{id}")]
    fn labels_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/labels/{id}")]
    fn labels_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/labels/{id}")]
    fn labels_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/labels/{id}/notes")]
    fn labels_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/labels/{id}/notes")]
    fn labels_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/labels/{id}/notes/{note}")]
    fn labels_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/labels/{id}/notes/{note}")]
    fn labels_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/labels/search/{text..}")]
    fn labels_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/leads")]
    fn leads_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/leads")]
    fn leads_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/leads/{id}")]
    fn leads_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/leads/{id}")]
    fn leads_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/leads/{id}")]
    fn leads_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/leads/{id}/notes")]
    fn leads_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/leads/{id}/notes")]
    fn leads_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/leads/{id}/notes/{note}")]
    fn leads_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/leads/{id}/notes/{note}")]
    fn leads_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/leads/search/{text..}")]
    fn leads_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/ledgers")]
    fn ledgers_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/ledgers")]
    fn ledgers_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/ledgers/{id}")]
    fn ledgers_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/ledgers/{id}")]
    fn ledgers_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/ledgers/{id}")]
    fn ledgers_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/ledgers/{id}/notes")]
    fn ledgers_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/ledgers/{id}/notes")]
    fn ledgers_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/ledgers/{id}/notes/{note}")]
    fn ledgers_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/ledgers/{id}/notes/{note}")]
    fn ledgers_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/ledgers/search/{text..}")]
    fn ledgers_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/licenses")]
    fn licenses_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/licenses")]
    fn licenses_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/licenses/{id}")]
    fn licenses_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/licenses/{id}")]
    fn licenses_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/licenses/{id}")]
    fn licenses_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/licenses/{id}/notes")]
    fn licenses_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/licenses/{id}/notes")]
    fn licenses_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/licenses/{id}/notes/{note}")]
    fn licenses_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/licenses/{id}/notes/{note}")]
    fn licenses_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/licenses/search/{text..}")]
    fn licenses_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/links")]
    fn links_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/links")]
    fn links_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/links/{id}")]
    fn links_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/links/{id}")]
    fn links_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/links/{id}")]
    fn links_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/links/{id}/notes")]
    fn links_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/links/{id}/notes")]
    fn links_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/links/{id}/notes/{note}")]
    fn links_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/links/{id}/notes/{note}")]
    fn links_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/links/search/{text..}")]
    fn links_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/lists")]
    fn lists_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/lists")]
    fn lists_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/lists/{id}")]
    fn lists_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/lists/{id}")]
    fn lists_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/lists/{id}")]
    fn lists_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/lists/{id}/notes")]
    fn lists_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/lists/{id}/notes")]
    fn lists_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/lists/{id}/notes/{note}")]
    fn lists_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/lists/{id}/notes/{note}")]
    fn lists_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/lists/search/{text..}")]
    fn lists_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/locks")]
    fn locks_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/locks")]
    fn locks_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/locks/{id}")]
    fn locks_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/locks/{id}")]
    fn locks_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/locks/{id}")]
    fn locks_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/locks/{id}/notes")]
    fn locks_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/locks/{id}/notes")]
    fn locks_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/locks/{id}/notes/{note}")]
    fn locks_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/locks/{id}/notes/{note}")]
    fn locks_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/locks/search/{text..}")]
    fn locks_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/logs")]
    fn logs_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/logs")]
    fn logs_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/logs/{id}")]
    fn logs_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/logs/{id}")]
    fn logs_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/logs/{id}")]
    fn logs_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/logs/{id}/notes")]
    fn logs_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/logs/{id}/notes")]
    fn logs_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/logs/{id}/notes/{note}")]
    fn logs_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/logs/{id}/notes/{note}")]
    fn logs_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/logs/search/{text..}")]
    fn logs_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/mails")]
    fn mails_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/mails")]
    fn mails_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/mails/{id}")]
    fn mails_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/mails/{id}")]
    fn mails_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/mails/{id}")]
    fn mails_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/mails/{id}/notes")]
    fn mails_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/mails/{id}/notes")]
    fn mails_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/mails/{id}/notes/{note}")]
    fn mails_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/mails/{id}/notes/{note}")]
    fn mails_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/mails/search/{text..}")]
    fn mails_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
    #[route(GET, "/maps")]
    fn maps_list(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(POST, "/maps")]
    fn maps_add(&self) -> (u16, String) { (200, (0).to_string()) }
    #[route(GET, "/maps/{id}")]
    fn maps_one(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(PUT, "/maps/{id}")]
    fn maps_replace(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(DELETE, "/maps/{id}")]
    fn maps_remove(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/maps/{id}/notes")]
    fn maps_notes(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(POST, "/maps/{id}/notes")]
    fn maps_add_note(&self, id: u32) -> (u16, String) { (200, (id).to_string()) }
    #[route(GET, "/maps/{id}/notes/{note}")]
    fn maps_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(PUT, "/maps/{id}/notes/{note}")]
    fn maps_replace_note(&self, id: u32, note: u32) -> (u16, String) { (200, (id + note).to_string()) }
    #[route(GET, "/maps/search/{text..}")]
    fn maps_search(&self, text: &str) -> (u16, String) { (200, (text.len()).to_string()) }
}
