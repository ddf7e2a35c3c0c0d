#include "reliability/service/remote_link.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <numeric>
#include <thread>
#include <utility>
#include <vector>

#include "reliability/service/answer_codec.hpp"
#include "reliability/service/open_questions.hpp"
#include "reliability/service/request_codec.hpp"
#include "signing/batch_signer.hpp"
#include "signing/sodium.hpp"
#include "signing/verifier.hpp"

namespace weft::reliability {

using Reason = JournalError::Reason;
using signing::Refusal;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds tick_every{250};
/// While nobody is connected, or the journal is busy.
constexpr milliseconds pause{20};
constexpr int answers_per_turn = 256;
constexpr int lives_max = 3;
constexpr std::uint32_t failures_per_second = 200;
constexpr signing::Limits asking_limits{asking_bytes_max - 4, asking_bytes_max};

}  // namespace

std::uint64_t RemoteStats::refused_total() const noexcept {
    return std::accumulate(refused.begin(), refused.end(), std::uint64_t{0});
}

struct RemoteLink::Core {
    Core(const fabric::Clock& the_clock, RemoteSettings the_settings,
         std::shared_ptr<const signing::Identity> who, std::shared_ptr<signing::TrustStore> store,
         std::unique_ptr<fabric::RequestPort> request_port)
        : clock(the_clock),
          settings(std::move(the_settings)),
          trust(std::move(store)),
          topic(journal_topic(settings.space.root(), settings.name)),
          port(std::move(request_port)),
          verifier(trust,
                   trust ? signing::Verifier::Mode::validate : signing::Verifier::Mode::integrity,
                   asking_limits),
          questions(settings),
          renewed(std::move(who)) {
        thread = std::thread([this] { run(); });
    }

    // ---- Asking ----

    void take_mail() {
        std::vector<Mail> taken;
        {
            const std::scoped_lock lock(mutex);
            taken.swap(mail);
            if (renewed) {
                signer = std::make_unique<signing::BatchSigner>(renewed->key, renewed->certificate);
                renewed = nullptr;
            }
        }
        for (auto& [question, on_answer] : taken) {
            if (question.is_signed && !signer && !question.failed) {
                question.failed = JournalError{Reason::refused,
                                               "this takes a signed request to the journal '" +
                                                   settings.name + "'; set signing.sign and a key"};
            }
            if (question.failed) {
                finish();
                on_answer(tl::make_unexpected(std::move(*question.failed)));
                continue;
            }
            questions.add(std::move(question), std::move(on_answer), clock.steady());
        }
    }

    void send_ready() {
        if (clock.steady() < send_again) return;
        OpenQuestions::Number number = 0;
        while (OpenQuestions::Open* const open = questions.next(number)) {
            Nonce nonce{};
            signing::random_bytes(nonce.data(), nonce.size());
            if (!send(open->question, nonce)) {
                send_again = clock.steady() + pause;
                return;
            }
            const std::scoped_lock lock(mutex);
            ++stats.asked;
            stats.again += open->nonces.empty() ? 0 : 1;
            questions.sent(number, nonce, clock.steady());
        }
    }

    bool send(const Question& question, const Nonce& nonce) {
        JournalRequest request;
        request.operation = static_cast<std::uint64_t>(question.operation);
        request.nonce = nonce;
        request.time_us = clock.utc_us();
        request.life = life;
        request.count = question.fields.count;
        request.fields = question.fields.bytes;
        const std::string content = encode_journal_request(request);
        std::string contents;
        signing::append_item(content, contents);
        proofs.assign(1, "");
        if (question.is_signed) {
            const signing::Digest digest = signing::message_digest(topic, content);
            signer->sign(std::vector<signing::RunToSign>{{signing::Kind::request, {&digest, 1}}},
                         proofs);
        }
        return port->send(topic, contents, proofs.front());
    }

    // ---- Answers ----

    void drop(Refusal reason) {
        const std::scoped_lock lock(mutex);
        ++stats.refused[static_cast<std::size_t>(reason)];
    }
    void count(std::uint64_t RemoteStats::*what) {
        const std::scoped_lock lock(mutex);
        ++(stats.*what);
    }

    void on_arrival(const fabric::Arrival& arrival) {
        if (arrival.frames != 3) return drop(Refusal::not_three_frames);
        if (arrival.topic != topic) return count(&RemoteStats::other_topic);
        // In this mode a verifier would take it.
        if (arrival.proof.empty()) return drop(Refusal::unsigned_message);
        const auto now = static_cast<signing::UtcSeconds>(clock.utc_us() / 1'000'000);
        const auto steady_ms = static_cast<std::uint64_t>(
            std::chrono::duration_cast<milliseconds>(clock.steady()).count());
        const std::string from = port->peer();
        const auto believed =
            verifier.verify({arrival.topic, arrival.contents, arrival.proof},
                            {from, failures_per_second}, now, steady_ms, verified);
        if (!believed) return drop(believed.error().reason);
        if (verified.kind != signing::Kind::answer) return count(&RemoteStats::other_kinds);
        if (verified.signer->name() != settings.name) return count(&RemoteStats::other_name);
        if (verified.items.size() != 1) return drop(Refusal::run_length_invalid);
        on_answer(std::make_shared<const std::string>(verified.items.front().content));
    }

    void on_answer(const std::shared_ptr<const std::string>& content) {
        JournalAnswer answer;
        if (!decode_journal_answer(*content, answer)) return drop(Refusal::content_undecodable);
        const auto number = questions.asked_by(answer.nonce);
        if (number == 0) return count(&RemoteStats::unknown_nonce);
        count(&RemoteStats::answers);
        const bool restarted = life != 0 && life != answer.life;
        life = answer.life;
        take_answer(number, answer, content);
        if (restarted) questions.ask_all_again();
    }

    void take_answer(OpenQuestions::Number number, const JournalAnswer& answer,
                     const std::shared_ptr<const std::string>& content) {
        if (answer.status == 0) {
            return settle(
                number, RemoteAnswer{content, answer.count, fabric::MsgpackReader{answer.fields}});
        }
        OpenQuestions::Open& open = questions.of(number);
        if (answer.status == static_cast<std::uint64_t>(AnswerStatus::other_life) &&
            ++open.lives <= lives_max) {
            return questions.ask_again(number);
        }
        const Reason reason = reason_of(answer.status);
        const bool passes =
            reason == Reason::closed || (reason == Reason::busy && !open.question.in_turn);
        if (passes && open.question.again) {
            open.last = reason;
            return questions.ask_again(number, clock.steady() + pause);
        }
        settle(number,
               tl::make_unexpected(JournalError{reason, "the journal '" + settings.name +
                                                            "': " + std::string{answer.sentence}}));
    }

    void settle(OpenQuestions::Number number, JournalResult<RemoteAnswer> result) {
        const auto open = questions.settle(number);
        finish();
        open.on_answer(std::move(result));
    }
    void finish() {
        const std::scoped_lock lock(mutex);
        --waiting;
    }

    JournalError away(const OpenQuestions::Open& open) const {
        const std::string who = "the journal '" + settings.name + "' at " + settings.endpoint;
        if (open.last != Reason::away) {
            return {open.last, who + " says that it is " + std::string{name_of(open.last)} +
                                   "; try again later"};
        }
        const std::string times =
            open.nonces.empty()
                ? "cannot be reached"
                : "does not answer (asked " + std::to_string(open.nonces.size()) + " times)";
        const bool unsure = !open.nonces.empty() && !open.question.again;
        return {Reason::away,
                who + " " + times +
                    "; check that it runs there and that its certificate has this name and the "
                    "role journal" +
                    (unsure ? ". It is not known whether it has done what was asked" : "")};
    }

    // ---- The thread ----

    void run() {
        while (true) {
            turn();
            {
                const std::scoped_lock lock(mutex);
                if (closed) break;
            }
            port->wait(patience());
        }
        take_mail();
        for (auto& open : questions.settle_all()) {
            finish();
            open.on_answer(tl::make_unexpected(closed_error()));
        }
    }

    JournalError closed_error() const {
        return {Reason::closed, "the journal '" + settings.name + "' is no longer asked from here"};
    }

    void turn() {
        fabric::Arrival arrival;
        more = true;
        for (int i = 0; i < answers_per_turn && more; ++i) {
            more = port->receive(arrival);
            if (more) on_arrival(arrival);
        }
        take_mail();
        for (auto& open : questions.tick(clock.steady())) {
            count(&RemoteStats::away);
            finish();
            open.on_answer(tl::make_unexpected(away(open)));
        }
        send_ready();
        if (clock.steady() < next_tick) return;
        next_tick = clock.steady() + tick_every;
        // What a list says anew is in force at once (T5); who shares the store reports its errors.
        if (trust) static_cast<void>(trust->reload_if_changed());
    }

    milliseconds patience() {
        if (more) return milliseconds{0};
        fabric::Instant until = next_tick;
        if (const auto due = questions.next_due()) until = std::min(until, *due);
        OpenQuestions::Number number = 0;
        if (questions.next(number) != nullptr) until = std::min(until, send_again);
        return std::max(milliseconds{0}, std::chrono::ceil<milliseconds>(until - clock.steady()));
    }

    struct Mail {
        Question question;
        OnAnswer on_answer;
    };

    const fabric::Clock& clock;
    const RemoteSettings settings;
    const std::shared_ptr<signing::TrustStore> trust;
    const std::string topic;
    const std::unique_ptr<fabric::RequestPort> port;

    // Of the thread.
    signing::Verifier verifier;
    signing::VerifiedRun verified;
    OpenQuestions questions;
    std::unique_ptr<signing::BatchSigner> signer;
    std::vector<std::string> proofs;
    std::uint64_t life = 0;
    fabric::Instant send_again{}, next_tick{};
    bool more = false;

    mutable std::mutex mutex;  // guards what follows
    std::vector<Mail> mail;
    std::size_t waiting = 0;  // not answered yet
    std::shared_ptr<const signing::Identity> renewed;
    bool closed = false;
    RemoteStats stats;

    std::mutex closing;  // one thread joins
    std::thread thread;
};

RemoteLink::RemoteLink(std::unique_ptr<Core> core) : core_(std::move(core)) {}

RemoteLink::~RemoteLink() {
    close();
}

tl::expected<std::unique_ptr<RemoteLink>, std::string> RemoteLink::open(
    fabric::Transport& transport, const fabric::Clock& clock, RemoteSettings settings,
    std::shared_ptr<const signing::Identity> identity, std::shared_ptr<signing::TrustStore> trust) {
    if (const std::string wrong = signing::name_error(settings.name); !wrong.empty()) {
        return tl::make_unexpected("'" + signing::escape(settings.name) +
                                   "' is not the name of a journal: " + wrong);
    }
    auto port = transport.open_requests();
    if (!port) return tl::make_unexpected(port.error());
    if (auto connected = (*port)->connect(settings.endpoint); !connected) {
        return tl::make_unexpected(connected.error());
    }
    return std::unique_ptr<RemoteLink>(new RemoteLink(std::make_unique<Core>(
        clock, std::move(settings), std::move(identity), std::move(trust), std::move(*port))));
}

void RemoteLink::ask(Question question, OnAnswer on_answer) {
    {
        const std::scoped_lock lock(core_->mutex);
        if (!core_->closed) {
            if (core_->waiting >= core_->settings.questions_max && !question.failed) {
                question.fields = {};
                question.failed = JournalError{Reason::busy,
                                               "too many questions wait for the "
                                               "journal '" +
                                                   core_->settings.name + "'; try again later"};
            }
            ++core_->waiting;
            core_->mail.push_back({std::move(question), std::move(on_answer)});
            core_->port->wake();
            return;
        }
    }
    on_answer(tl::make_unexpected(core_->closed_error()));
}

JournalResult<RemoteAnswer> RemoteLink::ask(Question question) {
    std::mutex mutex;
    std::condition_variable answered;
    std::optional<JournalResult<RemoteAnswer>> answer;
    ask(std::move(question), [&](JournalResult<RemoteAnswer> given) {
        const std::scoped_lock lock(mutex);
        answer = std::move(given);
        answered.notify_one();
    });
    std::unique_lock lock(mutex);
    answered.wait(lock, [&] { return answer.has_value(); });
    return std::move(*answer);
}

void RemoteLink::use(std::shared_ptr<const signing::Identity> identity) {
    const std::scoped_lock lock(core_->mutex);
    core_->renewed = std::move(identity);
}

void RemoteLink::close() {
    {
        const std::scoped_lock lock(core_->mutex);
        core_->closed = true;
        core_->port->wake();
    }
    const std::scoped_lock lock(core_->closing);
    if (core_->thread.joinable()) core_->thread.join();
}

RemoteStats RemoteLink::stats() const {
    const std::scoped_lock lock(core_->mutex);
    return core_->stats;
}

}  // namespace weft::reliability
