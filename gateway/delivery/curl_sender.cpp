#include "gateway/delivery/curl_sender.hpp"

#include <curl/curl.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "gateway/delivery/curl_transfer.hpp"

namespace weft::gateway::delivery {
namespace {

constexpr std::size_t good_urls_max = 1024;
constexpr int poll_at_most_ms = 1000;
constexpr const char* stopped_sentence = "the gateway stops; the request was not finished";

/// Once for the process, and never undone: others may use libcurl too.
bool libcurl_is_there() {
    static const bool there = curl_global_init(CURL_GLOBAL_ALL) == CURLE_OK;
    return there;
}

SendResult cancelled_result(const char* why) {
    SendResult result;
    result.cancelled = true;
    result.error = why;
    return result;
}

}  // namespace

struct CurlSender::Core {
    struct Waiting {
        Ticket ticket;
        SendRequest request;
        OnSent done;
    };

    Core(const Settings& the_settings, AddressGuard the_guard)
        : settings(the_settings), guard(std::move(the_guard)), multi(curl_multi_init()) {
        if (multi == nullptr) throw std::bad_alloc();
        const auto kept = static_cast<long>(2 * settings.concurrency);
        curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, kept);
        curl_multi_setopt(multi, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
    }
    ~Core() {
        under_way.clear();
        idle.clear();
        curl_multi_cleanup(multi);
    }
    Core(const Core&) = delete;
    Core& operator=(const Core&) = delete;

    /// False: it was the last one. Waits where there is nothing to do.
    bool turn();
    [[nodiscard]] std::string form_error(const std::string& url);
    void begin(Waiting waiting);
    void perform();
    void end(Ticket ticket, const SendResult& result);

    const Settings settings;
    const AddressGuard guard;
    CURLM* multi;

    std::mutex mutex;  // guards what follows
    std::vector<Waiting> waiting;
    std::vector<Ticket> cancelled;
    Ticket last = 0;
    bool stopping = false;

    // The thread's alone.
    std::unordered_map<Ticket, std::unique_ptr<CurlTransfer>> under_way;
    std::vector<std::unique_ptr<CurlTransfer>> idle;
    std::unordered_set<std::string> good_urls;

    std::mutex joining;
    std::thread thread;
};

/// The guard's, who parses it each time; nearly all requests go where one has gone before.
std::string CurlSender::Core::form_error(const std::string& url) {
    if (good_urls.contains(url)) return {};
    std::string wrong = guard.form_error(url);
    if (!wrong.empty()) return wrong;
    if (good_urls.size() >= good_urls_max) good_urls.clear();
    good_urls.insert(url);
    return {};
}

void CurlSender::Core::begin(Waiting one) {
    std::unique_ptr<CurlTransfer> transfer;
    if (idle.empty()) {
        transfer = std::make_unique<CurlTransfer>(settings, guard);
    } else {
        transfer = std::move(idle.back());
        idle.pop_back();
    }
    std::string wrong = form_error(one.request.url);
    const Ticket ticket = one.ticket;
    if (wrong.empty()) {
        wrong = transfer->prepare(ticket, std::move(one.request), std::move(one.done));
        one.done = {};
    }
    if (wrong.empty()) {
        if (curl_multi_add_handle(multi, transfer->handle()) == CURLM_OK) {
            under_way.emplace(ticket, std::move(transfer));
            return;
        }
        wrong = "the request could not be made: libcurl does not take it";
    }
    SendResult result;
    result.error = std::move(wrong);
    const OnSent done = one.done ? std::move(one.done) : transfer->take_done();
    idle.push_back(std::move(transfer));
    done(std::move(result));
}

void CurlSender::Core::end(Ticket ticket, const SendResult& result) {
    const auto found = under_way.find(ticket);
    if (found == under_way.end()) return;
    std::unique_ptr<CurlTransfer> transfer = std::move(found->second);
    under_way.erase(found);
    curl_multi_remove_handle(multi, transfer->handle());
    const OnSent done = transfer->take_done();
    if (idle.size() < settings.concurrency) idle.push_back(std::move(transfer));
    done(result);
}

void CurlSender::Core::perform() {
    int running = 0, left = 0;
    curl_multi_perform(multi, &running);
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        char* pointer = nullptr;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &pointer);
        const auto* transfer = static_cast<const CurlTransfer*>(static_cast<void*>(pointer));
        const SendResult result = transfer->result(message->data.result);
        end(transfer->ticket(), result);
    }
}

bool CurlSender::Core::turn() {
    std::vector<Waiting> fresh;
    std::vector<Ticket> dropped;
    bool is_last = false;
    {
        const std::scoped_lock lock(mutex);
        fresh.swap(waiting);
        dropped.swap(cancelled);
        is_last = stopping;
    }
    for (Waiting& one : fresh) {
        if (is_last) {
            one.done(cancelled_result(stopped_sentence));
        } else {
            begin(std::move(one));
        }
    }
    for (const Ticket ticket : dropped) end(ticket, cancelled_result("the request was cancelled"));
    if (is_last) {
        while (!under_way.empty()) {
            end(under_way.begin()->first, cancelled_result(stopped_sentence));
        }
        return false;
    }
    perform();
    {
        const std::scoped_lock lock(mutex);
        if (!waiting.empty() || !cancelled.empty() || stopping) return true;
    }
    curl_multi_poll(multi, nullptr, 0, poll_at_most_ms, nullptr);
    return true;
}

CurlSender::CurlSender(std::unique_ptr<Core> core) : core_(std::move(core)) {
    core_->thread = std::thread([this] {
        while (core_->turn()) {
        }
    });
}

tl::expected<std::unique_ptr<CurlSender>, std::string> CurlSender::open(const Settings& settings,
                                                                        AddressGuard guard) {
    if (!libcurl_is_there()) return tl::make_unexpected(std::string{"libcurl cannot be used"});
    if (!settings.ca.empty() && ::access(settings.ca.c_str(), R_OK) != 0) {
        return tl::make_unexpected("gateway.webhooks.ca: " + settings.ca.string() +
                                   " cannot be read; name a file with PEM certificates, or nothing "
                                   "for those that the system trusts");
    }
    return std::unique_ptr<CurlSender>(
        new CurlSender(std::make_unique<Core>(settings, std::move(guard))));
}

CurlSender::~CurlSender() {
    stop();
}

Sender::Ticket CurlSender::send(SendRequest request, OnSent done) {
    Ticket ticket = 0;
    bool wake = false;
    {
        const std::scoped_lock lock(core_->mutex);
        ticket = ++core_->last;
        if (!core_->stopping) {
            wake = core_->waiting.empty();
            core_->waiting.push_back({ticket, std::move(request), std::move(done)});
        }
    }
    if (done) done(cancelled_result(stopped_sentence));
    if (wake) curl_multi_wakeup(core_->multi);
    return ticket;
}

void CurlSender::cancel(Ticket ticket) {
    {
        const std::scoped_lock lock(core_->mutex);
        core_->cancelled.push_back(ticket);
    }
    curl_multi_wakeup(core_->multi);
}

void CurlSender::stop() {
    {
        const std::scoped_lock lock(core_->mutex);
        core_->stopping = true;
    }
    curl_multi_wakeup(core_->multi);
    const std::scoped_lock lock(core_->joining);
    if (core_->thread.joinable()) core_->thread.join();
}

}  // namespace weft::gateway::delivery
