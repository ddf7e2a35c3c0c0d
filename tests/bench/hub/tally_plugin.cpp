// A plugin that counts what it is given (settings.file), and can be a bad neighbour
// (settings.throw_at: every so many it throws).

#include <stdexcept>

#include "reliability/hub/plugin.hpp"
#include "tests/bench/hub/tally.hpp"

namespace {

class TallyPlugin : public weft::plugin::Consumer {
    void start(weft::plugin::Host& host) override {
        if (const auto file = host.settings().text("file")) {
            tally_ = &weft::bench::Tally::open(*file);
        }
        throw_at_ = host.settings().integer("throw_at").value_or(0);
    }
    weft::plugin::Result consume(const weft::plugin::Message& message) override {
        ++seen_;
        if (throw_at_ != 0 && seen_ % throw_at_ == 0) throw std::runtime_error("as it was told to");
        if (tally_ != nullptr) tally_->add(message.sequence());
        return weft::plugin::Result::done();
    }

    weft::bench::Tally* tally_ = nullptr;
    std::int64_t throw_at_ = 0, seen_ = 0;
};

}  // namespace

WEFT_CONSUMER_PLUGIN(TallyPlugin)
