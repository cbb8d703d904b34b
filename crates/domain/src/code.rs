//! The error-code table: one stable name, one status and one default message for each way a
//! request can fail. Dialects translate from here; clients branch on the name, never on prose.

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = ($name:literal, $status:literal, $message:literal);)*) => {
        /// Why a request failed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $variant,)* }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// The stable name, as Guildhall's own APIs print it.
            pub const fn name(self) -> &'static str {
                match self { $(Code::$variant => $name,)* }
            }

            /// The HTTP status in Guildhall's own APIs; a dialect may differ where its vendor does.
            pub const fn status(self) -> u16 {
                match self { $(Code::$variant => $status,)* }
            }

            /// What to tell the caller if nothing more is known.
            pub const fn message(self) -> &'static str {
                match self { $(Code::$variant => $message,)* }
            }
        }
    };
}

codes! {
    /// No key, or text that is no key.
    KeyMissing = ("key_missing", 401, "Send your secret key in the X-API-KEY header.");
    /// Unknown, revoked, expired, of another kind or from a forbidden address.
    KeyInvalid = ("key_invalid", 401, "This key is not valid.");
    /// The app's store keys need a partner's key beside them.
    ApiAccessOff = ("api_access_off", 403, "This store's plan does not include direct access to the API.");
    /// The store that was named is not the key's.
    ShopForeign = ("shop_foreign", 401, "This key is not of that store.");
    /// The key lacks a scope.
    ScopeMissing = ("scope_missing", 403, "This key's scopes do not allow this.");
    /// Only for members that are signed in.
    LoginRequired = ("login_required", 401, "You must be logged in.");
    /// Not for whoever asks, by the rules of a data table.
    AccessDenied = ("access_denied", 403, "The access rules of this data table do not allow this.");
    /// More requests than the key's limit.
    RateLimited = ("rate_limited", 429, "Too many requests");
    /// The body is not JSON we take.
    BodyNotJson = ("body_not_json", 400, "The body is not valid JSON.");
    /// A field of the body is wrong.
    BodyInvalid = ("body_invalid", 400, "The body is not what this call takes.");
    /// The body is larger than the server takes.
    BodyTooLarge = ("body_too_large", 413, "The body is too large.");
    /// The body did not arrive in time.
    BodyTooSlow = ("body_too_slow", 408, "The body did not arrive in time.");
    /// A compressed body.
    BodyEncoded = ("body_encoded", 415, "Send the body without Content-Encoding.");
    /// A query parameter is wrong.
    QueryInvalid = ("query_invalid", 400, "A query parameter is not valid.");
    /// Not a header that a request could be known by again.
    IdempotencyKeyInvalid = ("idempotency_key_invalid", 400, "Idempotency-Key must be one header of 1 to 255 visible ASCII characters.");
    /// The key came with another request before.
    IdempotencyKeyReused = ("idempotency_key_reused", 422, "This Idempotency-Key was sent with another request before; use a new one.");
    /// The same request is under way.
    IdempotencyInFlight = ("idempotency_in_flight", 409, "A request with this Idempotency-Key is being carried out; try again shortly.");
    /// The request has changed something, and what it was answered is not known.
    IdempotencyAnswerLost = ("idempotency_answer_lost", 409, "A request with this Idempotency-Key was carried out, but its answer was lost. It is not carried out again: read what is stored now.");
    /// No such route.
    RouteUnknown = ("route_unknown", 404, "There is nothing at this address.");
    /// The route exists, the method does not.
    MethodNotAllowed = ("method_not_allowed", 405, "This address does not take this method.");
    /// No such member in this environment.
    MemberNotFound = ("member_not_found", 404, "There is no member with this identifier.");
    /// Another member has the id that was to be imported.
    MemberExists = ("member_exists", 409, "A member with this id already exists.");
    /// Not an address we would mail to.
    EmailInvalid = ("email_invalid", 400, "The email address is not valid.");
    /// No address given.
    EmailMissing = ("email_missing", 400, "An email address is required.");
    /// Another member has it.
    EmailTaken = ("email_taken", 409, "This email is already in use.");
    /// No password given.
    PasswordMissing = ("password_missing", 400, "A password is required.");
    /// Too short.
    PasswordTooShort = ("password_too_short", 400, "The password must have at least 8 characters.");
    /// Too long.
    PasswordTooLong = ("password_too_long", 400, "The password is too long.");
    /// No such plan in this app.
    PlanNotFound = ("plan_not_found", 404, "There is no plan with this identifier.");
    /// No such price of this plan.
    PriceNotFound = ("price_not_found", 404, "The plan has no price with this identifier.");
    /// The price, or its plan, is kept for those who hold it.
    PriceRetired = ("price_retired", 409, "This price takes no new contracts any more.");
    /// No such contract in this environment.
    ContractNotFound = ("contract_not_found", 404, "There is no contract with this identifier.");
    /// The contract has run its term or was ended.
    ContractEnded = ("contract_ended", 409, "This contract has ended.");
    /// The contract rests or has ended.
    ContractNotActive = ("contract_not_active", 409, "This contract is not active.");
    /// The contract costs nothing, or nothing any more.
    NotBilled = ("not_billed", 409, "This contract is not billed.");
    /// The provider is being asked for a charge.
    ChargeUnderWay = ("charge_under_way", 409, "A charge of this contract is under way; try again in a moment.");
    /// Too early to cancel.
    MinCyclesNotReached = ("min_cycles_not_reached", 409, "This contract cannot be cancelled yet.");
    /// A billing date that has passed.
    NextBillingPast = ("next_billing_past", 400, "The next billing date must be in the future.");
    /// No such line of the contract.
    LineNotFound = ("line_not_found", 404, "The contract has no such line.");
    /// Nothing would be left to bill.
    LastLine = ("last_line", 409, "The last line of a contract cannot be removed.");
    /// More lines than a contract may have.
    TooManyLines = ("too_many_lines", 400, "A contract can have 100 lines.");
    /// The line is for that already.
    SameVariant = ("same_variant", 409, "The contract is for this already.");
    /// A change waits for the next period, or for its charge.
    ChangePending = ("change_pending", 409, "Another change of this contract's plan is pending.");
    /// There is nothing to forget.
    NoChangePending = ("no_change_pending", 404, "No change of this contract's plan is pending.");
    /// The code was used already.
    DiscountExists = ("discount_exists", 409, "Discount is already applied.");
    /// No such discount.
    DiscountNotFound = ("discount_not_found", 404, "The contract has no such discount.");
    /// No such code in this app.
    DiscountCodeUnknown = ("discount_code_unknown", 400, "There is no discount with this code.");
    /// More discounts than a contract may have.
    TooManyDiscounts = ("too_many_discounts", 400, "A contract can have 50 discounts.");
    /// No such attempt in this environment.
    AttemptNotFound = ("attempt_not_found", 404, "There is no billing attempt with this identifier.");
    /// Only the next attempt can be skipped, moved or charged.
    AttemptNotQueued = ("attempt_not_queued", 409, "This billing attempt is not in the queue.");
    /// Only the attempt that was skipped last can be taken back, before its date.
    AttemptNotSkipped = ("attempt_not_skipped", 409, "This billing attempt was not skipped, or its date has passed.");
    /// There is nothing to charge.
    PaymentMethodMissing = ("payment_method_missing", 400, "The member has no payment method.");
    /// There are several, and none was named.
    PaymentMethodUnclear = ("payment_method_unclear", 400, "The member has several payment methods; name one.");
    /// Another member has the number.
    CustomerNumberTaken = ("customer_number_taken", 409, "Another member has this customer number.");
    /// Not a number a member can have.
    CustomerNumberInvalid = ("customer_number_invalid", 400, "A customer number is from 1 to 8999999999999999.");
    /// Only a sandbox has a clock of its own.
    ClockOfLive = ("clock_of_live", 400, "Only a sandbox has a clock of its own.");
    /// The sandbox goes by the real time.
    ClockRunning = ("clock_running", 409, "The sandbox's clock is not frozen.");
    /// Time does not go back.
    ClockBack = ("clock_back", 400, "A clock can only be moved forward.");
    /// The clock is on its way.
    ClockMoving = ("clock_moving", 409, "The sandbox's clock is being moved.");
    /// The plan costs money.
    PlanNotFree = ("plan_not_free", 400, "This plan is not free; only free plans can be added or removed here.");
    /// The member holds it.
    PlanAlreadyHeld = ("plan_already_held", 409, "The member already has this plan.");
    /// The member does not hold it.
    PlanNotHeld = ("plan_not_held", 409, "The member does not have this plan.");
    /// As many members hold the plan as may.
    PlanFull = ("plan_full", 409, "This plan has reached its member limit.");
    /// Members hold the plan.
    PlanInUse = ("plan_in_use", 409, "Members hold this plan; set it to INACTIVE instead.");
    /// No such saved filter in this environment.
    FilterNotFound = ("filter_not_found", 404, "There is no saved filter with this id.");
    /// As many filters are saved as may be.
    FilterLimit = ("filter_limit", 409, "There are 20 saved filters already; delete one first.");
    /// The sandbox has as many members as it may.
    SandboxFull = ("sandbox_full", 409, "The sandbox has reached its member limit.");
    /// No such app.
    AppNotFound = ("app_not_found", 404, "There is no app with this id.");
    /// Another app has the shop.
    ShopTaken = ("shop_taken", 409, "Another app already has this shop domain.");
    /// No such key.
    KeyNotFound = ("key_not_found", 404, "There is no key with this id.");
    /// As many store keys are active as may be.
    KeyLimitReached = ("key_limit_reached", 409, "This app already has 10 active store keys; revoke one first.");
    /// The key to import exists.
    KeyExists = ("key_exists", 409, "This key is already in use.");
    /// Not a name.
    NameInvalid = ("name_invalid", 400, "A name has 1 to 200 characters and no control characters.");
    /// No such permission.
    PermissionNotFound = ("permission_not_found", 404, "There is no permission with this id.");
    /// A permission has the name.
    PermissionExists = ("permission_exists", 409, "A permission with this name already exists.");
    /// No such custom field.
    CustomFieldNotFound = ("custom_field_not_found", 404, "There is no custom field with this key.");
    /// A field has the key.
    CustomFieldExists = ("custom_field_exists", 409, "A custom field with this key already exists.");
    /// As many fields as may be.
    CustomFieldLimit = ("custom_field_limit", 409, "This app already has 100 custom fields.");
    /// No such data table in this app.
    TableNotFound = ("table_not_found", 404, "Data table not found");
    /// A table has the key.
    TableExists = ("table_exists", 409, "A data table with this key already exists.");
    /// As many tables as may be.
    TableLimit = ("table_limit", 409, "This app has as many data tables as it may have.");
    /// Fields of other tables point at the table.
    TableReferenced = ("table_referenced", 409, "Fields of other tables refer to this table; remove them first.");
    /// The table changed since the caller's view of it was read.
    TableChanged = ("table_changed", 503, "The data table has just been changed; try again.");
    /// No such field in the table.
    FieldNotFound = ("field_not_found", 404, "There is no field with this key.");
    /// A field has the key.
    FieldExists = ("field_exists", 409, "A field with this key already exists.");
    /// As many fields as may be.
    FieldLimit = ("field_limit", 409, "This table has as many fields as it may have.");
    /// What is stored does not fit what the field is to be.
    FieldConflict = ("field_conflict", 409, "Stored records do not fit this change.");
    /// Deleting takes data along, and that was not confirmed.
    ConfirmationMissing = ("confirmation_missing", 409, "Confirm what this deletes.");
    /// A value for a field that the table does not have.
    FieldUnknown = ("field_unknown", 400, "The table has no such field.");
    /// A value of the wrong type, out of bounds, or that points at nothing.
    FieldValueInvalid = ("field_value_invalid", 400, "A field's value is not valid.");
    /// No value for a field that needs one.
    FieldRequired = ("field_required", 400, "A required field has no value.");
    /// Another record has the value.
    FieldNotUnique = ("field_not_unique", 409, "Another record already has this value.");
    /// No such record in this environment.
    RecordNotFound = ("record_not_found", 404, "Data record not found");
    /// No such member to own a record.
    RecordOwnerNotFound = ("record_owner_not_found", 404, "Member not found");
    /// A record has the id that was to be imported.
    RecordExists = ("record_exists", 409, "A record with this id already exists.");
    /// The query is not one we answer.
    RecordQueryInvalid = ("record_query_invalid", 400, "The query is not valid.");
    /// The query took longer than a query may.
    QueryTooSlow = ("query_too_slow", 400, "The query took too long; filter or order by an indexed field.");
    /// Something given on the command line or in a setting is wrong.
    InputInvalid = ("input_invalid", 400, "The input is not valid.");
    /// No such operator.
    OperatorNotFound = ("operator_not_found", 404, "There is no operator with this email.");
    /// An operator has the address.
    OperatorExists = ("operator_exists", 409, "An operator with this email already exists.");
    /// No session in the dashboard, or one that has ended.
    SignInRequired = ("sign_in_required", 401, "Sign in first.");
    /// The operator's role is too weak.
    RoleMissing = ("role_missing", 403, "Your role does not allow this.");
    /// A form without the mark of the session that it was made for.
    FormForeign = ("form_foreign", 403, "This form was not made for your session. Go back, reload the page and try again.");
    /// No such import.
    ImportNotFound = ("import_not_found", 404, "There is no import with this id.");
    /// The import is under way or done.
    ImportStarted = ("import_started", 409, "This import has been started already.");
    /// A token that is none of ours, has expired, or whose session was ended.
    TokenInvalid = ("token_invalid", 401, "The token is not valid.");
    /// Wrong address or wrong password; which of them is not told.
    CredentialsInvalid = ("credentials_invalid", 401, "The provided credentials are invalid.");
    /// The old password given is not the member's.
    PasswordWrong = ("password_wrong", 401, "The password is not correct.");
    /// The member signs in without a password.
    PasswordNotSet = ("password_not_set", 400, "This account has no password.");
    /// The member has a password, which is changed in another way.
    PasswordSet = ("password_set", 409, "This account already has a password.");
    /// A log-in or sign-up code that is wrong, used, expired or another's.
    LoginCodeInvalid = ("login_code_invalid", 400, "The code is not valid.");
    /// A reset code that is wrong, used, expired or another app's.
    ResetCodeInvalid = ("reset_code_invalid", 400, "The code is not valid.");
    /// A link from a mail that is wrong, used or expired.
    LinkInvalid = ("link_invalid", 400, "This link is not valid any more.");
    /// A link to the customer portal that is none of ours, or whose member or key is gone.
    PortalLinkInvalid = ("portal_link_invalid", 401, "This link does not open anything. Ask for a new one where you got it.");
    /// A link to the customer portal that has expired, or was signed out of.
    PortalLinkEnded = ("portal_link_ended", 410, "This link does not work any more. Ask for a new one where you got it.");
    /// A link to the customer portal that shows and changes nothing.
    PortalLinkShowsOnly = ("portal_link_shows_only", 403, "This link shows your memberships, but cannot change this.");
    /// Only servers and operators may give the plan.
    PlanRestricted = ("plan_restricted", 403, "This plan can only be given by the site.");
    /// The app does not let members delete themselves.
    SelfDeleteOff = ("self_delete_off", 403, "Accounts cannot be deleted here; please contact the owner of the site.");
    /// A field that the call cannot do without.
    FieldMissing = ("field_missing", 400, "A required field is missing.");
    /// No such session.
    SessionNotFound = ("session_not_found", 404, "There is no session with this id.");
    /// No such kind of mail.
    MailKindUnknown = ("mail_kind_unknown", 404, "There is no mail of this kind.");
    /// A template that cannot be used.
    TemplateInvalid = ("template_invalid", 400, "The template is not valid.");
    /// Too much to do right now.
    Busy = ("busy", 503, "The server is busy; try again shortly.");
    /// The database does not answer.
    StoreUnavailable = ("store_unavailable", 503, "The database is not available; try again shortly.");
    /// A fault of ours.
    Internal = ("internal", 500, "Something went wrong on our side.");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_only_the_servers_own_faults_are_5xx() {
        let names: HashSet<_> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            let ours =
                matches!(code, Code::Busy | Code::TableChanged | Code::StoreUnavailable | Code::Internal);
            assert_eq!(code.status() >= 500, ours, "{}", code.name());
        }
    }
}
