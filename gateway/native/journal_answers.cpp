#include "gateway/native/journal_answers.hpp"

#include <utility>

#include "fabric/message/json_form.hpp"
#include "gateway/problem.hpp"

namespace weft::gateway::native {
namespace {

using fabric::Value;
using reliability::JournalError;

unsigned status_of(JournalError::Reason reason) {
    switch (reason) {
        case JournalError::Reason::invalid:
            return 400;
        case JournalError::Reason::refused:
            return 403;
        case JournalError::Reason::not_found:
            return 404;
        case JournalError::Reason::disk_full:
            return 507;
        case JournalError::Reason::closed:
        case JournalError::Reason::busy:
        case JournalError::Reason::io:
        case JournalError::Reason::corrupt:
        case JournalError::Reason::away:
            return 503;
    }
    return 503;
}

}  // namespace

void refuse(const SharedExchange& exchange, unsigned status, std::string_view detail) {
    Response response = problem(status, detail, exchange->request());
    if (status == 503 || status == 507) response.headers.set("Retry-After", "1");
    exchange->answer(std::move(response));
}

void refuse(const SharedExchange& exchange, const JournalError& error) {
    refuse(exchange, status_of(error.reason), error.sentence);
}

void answer(const SharedExchange& exchange, const Value& value, unsigned status) {
    exchange->answer(Response::of(status, json_type, fabric::to_json(value)));
}

void work(JournalRoom& room, const SharedExchange& exchange, JournalRoom::Work todo) {
    if (!room.work(std::move(todo))) {
        refuse(exchange, 503, "too many requests to the journal wait; try again");
    }
}

Value gap_value(const reliability::JournalGap& gap) {
    return Value::Map{
        {"from", gap.from}, {"to", gap.to}, {"lost", gap.lost ? Value(*gap.lost) : Value{}}};
}

std::string list_json(const char* what, const std::vector<std::string>& items) {
    std::string text = std::string{"{\""} + what + "\":[";
    for (std::size_t i = 0; i < items.size(); ++i) text += (i == 0 ? "" : ",") + items[i];
    return text + "]";
}

void for_each_believed(
    const reliability::StoredRun& run, const std::shared_ptr<const void>& bytes,
    reliability::StoredVerifier& verifier,
    const std::function<void(const fabric::Message&, reliability::JournalId)>& each) {
    verifier.verify(
        run, bytes,
        [&](const reliability::VerifiedMessage& verified) { each(verified.message, verified.id); },
        [](const reliability::StoredRefusal&) {});
}

}  // namespace weft::gateway::native
