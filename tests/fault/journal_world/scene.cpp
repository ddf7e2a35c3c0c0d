#include "tests/fault/journal_world/scene.hpp"

#include <charconv>

#include "signing/proof.hpp"
#include "signing/wire.hpp"

namespace weft::fault {
namespace {

constexpr char separator = ' ';

}  // namespace

std::string told_text(const Told& told) {
    std::string text;
    for (const std::uint64_t part :
         {told.number.stream.epoch, told.number.seq, told.time_us, told.nonce}) {
        text += std::to_string(part) + separator;
    }
    return text;
}

Told told_of(std::string_view topic, std::string_view text) {
    Told told;
    told.number.stream.topic = topic;
    for (std::uint64_t* part :
         {&told.number.stream.epoch, &told.number.seq, &told.time_us, &told.nonce}) {
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *part);
        if (error != std::errc{} || end == text.data() + text.size() || *end != separator) {
            return {};
        }
        text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
    }
    return text.empty() ? told : Told{};
}

reliability::RunToStore run_of(const std::vector<Told>& messages) {
    reliability::RunToStore run;
    run.topic = messages.front().number.stream.topic;
    run.proof = "proof";
    for (const Told& told : messages) {
        signing::append_item(told_text(told), run.contents);
        const std::string id = signing::WireWriter().u64(told.nonce).u64(told.number.seq).take();
        run.messages.push_back({.id = *fabric::MessageId::from_bytes(id),
                                .parent = {},
                                .epoch = told.number.stream.epoch,
                                .seq = told.number.seq});
    }
    return run;
}

}  // namespace weft::fault
