#include "reliability/hub/plugin_handler.hpp"

#include <cxxabi.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <stdexcept>
#include <typeinfo>
#include <utility>

#include "fabric/node/current_message.hpp"
#include "reliability/hub/plugin_host.hpp"
#include "reliability/hub/plugin_library.hpp"
#include "reliability/hub/plugin_message.hpp"

namespace weft::reliability::hub {
namespace {

using std::chrono::milliseconds;

/// Reasons go into logs, dead letters and ACKs.
constexpr std::size_t reason_bytes_max = 1000;

std::string bounded(std::string reason) {
    if (reason.empty()) return "it gives no reason";
    if (reason.size() > reason_bytes_max) {
        reason.resize(reason_bytes_max);
        reason += " ...";
    }
    return reason;
}

Verdict verdict_of(const plugin::Result& result) {
    switch (result.is()) {
        case plugin::Result::Is::done:
            return {Verdict::Is::done, {}};
        case plugin::Result::Is::reject:
            return {Verdict::Is::reject, bounded(result.reason())};
        case plugin::Result::Is::retry:
            break;
    }
    return {Verdict::Is::retry, bounded(result.reason())};
}

/// A consumer that start()ed, with all that it needs to live.
class Instance {
public:
    Instance(PluginLibrary library, const ConsumerSettings& settings, Surroundings& surroundings)
        : library_(std::move(library)), host_(settings, surroundings) {}
    ~Instance() { destroy(); }
    Instance(const Instance&) = delete;
    Instance& operator=(const Instance&) = delete;

    /// "" or what is wrong.
    std::string start() {
        const char* step = "making the consumer failed: ";
        try {
            consumer_ = library_.create();
            step = "start() failed: ";
            if (consumer_ == nullptr) return "the plugin makes no consumer";
            consumer_->start(host_);
            return "";
        } catch (...) {
            std::string text = step + bounded(thrown_text());
            destroy();
            host_.close(milliseconds{0});
            return text;
        }
    }

    Verdict consume(const fabric::Message& message, unsigned attempt) {
        const Running running(*this);
        if (!running.allowed()) return {Verdict::Is::left, "the consumer has been stopped"};
        const fabric::CurrentMessage current(message.id());
        try {
            const PluginMessage view(message, attempt);
            return verdict_of(consumer_->consume(view));
        } catch (...) {
            return {Verdict::Is::retry, bounded(thrown_text())};
        }
    }

    /// Where somebody is still in consume(), nothing of the consumer is touched any more.
    void stop(milliseconds patience) {
        {
            std::unique_lock lock(mutex_);
            stopping_ = true;
            if (!ended_.wait_for(lock, patience, [&] { return running_ == 0; })) {
                lock.unlock();
                host_.error("it is still in consume() after " + std::to_string(patience.count()) +
                            " ms, so its stop() is not called; `isolate: true` makes a "
                            "consumer that can be ended");
                host_.close(patience);
                return;
            }
        }
        if (consumer_ != nullptr) {
            try {
                consumer_->stop();
            } catch (...) {
                host_.error("stop() failed: " + bounded(thrown_text()));
            }
        }
        host_.close(patience);
        destroy();
    }

private:
    class Running {
    public:
        explicit Running(Instance& instance) : instance_(instance) {
            const std::scoped_lock lock(instance.mutex_);
            allowed_ = !instance.stopping_;
            if (allowed_) ++instance.running_;
        }
        ~Running() {
            if (!allowed_) return;
            const std::scoped_lock lock(instance_.mutex_);
            --instance_.running_;
            instance_.ended_.notify_all();
        }
        Running(const Running&) = delete;
        Running& operator=(const Running&) = delete;
        [[nodiscard]] bool allowed() const noexcept { return allowed_; }

    private:
        Instance& instance_;
        bool allowed_ = false;
    };

    void destroy() {
        plugin::Consumer* const consumer = std::exchange(consumer_, nullptr);
        if (consumer == nullptr) return;
        try {
            library_.destroy(consumer);
        } catch (...) {
            host_.error("destroying the consumer failed: " + bounded(thrown_text()));
        }
    }

    PluginLibrary library_;
    PluginHost host_;
    plugin::Consumer* consumer_ = nullptr;
    std::mutex mutex_;
    std::condition_variable ended_;
    unsigned running_ = 0;
    bool stopping_ = false;
};

class PluginHandler final : public Handler {
public:
    explicit PluginHandler(std::shared_ptr<Instance> instance) : instance_(std::move(instance)) {}

    Verdict handle(const fabric::Message& message, unsigned attempt) override {
        if (given_up_.load()) return {Verdict::Is::left, "it was given up"};
        // A consume() that comes back after everybody has gone still finds what it needs.
        const std::shared_ptr<Instance> instance = instance_;
        return instance->consume(message, attempt);
    }
    /// A consume() under way cannot be ended.
    void give_up() override { given_up_.store(true); }

private:
    std::shared_ptr<Instance> instance_;
    std::atomic<bool> given_up_{false};
};

class InProcess final : public HandlerHost {
public:
    InProcess(const ConsumerSettings& settings, Surroundings& surroundings)
        : settings_(settings), surroundings_(surroundings) {}
    ~InProcess() override { end(milliseconds{0}); }
    InProcess(const InProcess&) = delete;
    InProcess& operator=(const InProcess&) = delete;

    tl::expected<void, std::string> start() override {
        auto library = PluginLibrary::load(settings_.plugin);
        if (!library) return tl::make_unexpected(std::move(library).error());
        try {
            auto instance =
                std::make_shared<Instance>(*std::move(library), settings_, surroundings_);
            const std::string wrong = instance->start();
            if (!wrong.empty()) {
                return tl::make_unexpected("'" + settings_.plugin.string() + "': " + wrong);
            }
            instance_ = std::move(instance);
            return {};
        } catch (const std::invalid_argument& error) {
            return tl::make_unexpected(std::string{error.what()});
        }
    }

    std::unique_ptr<Handler> make() override { return std::make_unique<PluginHandler>(instance_); }
    void stop(milliseconds patience) override { end(patience); }
    [[nodiscard]] bool keeps_timeout() const override { return false; }
    [[nodiscard]] std::string details() const override { return ""; }

private:
    void end(milliseconds patience) {
        if (const auto instance = std::exchange(instance_, nullptr)) instance->stop(patience);
    }

    ConsumerSettings settings_;
    Surroundings& surroundings_;
    std::shared_ptr<Instance> instance_;
};

}  // namespace

std::string thrown_text() {
    try {
        throw;
    } catch (const std::exception& error) {
        return error.what();
    } catch (const std::string& text) {
        return text;
    } catch (const char* text) {
        return text == nullptr ? "" : text;
    } catch (...) {
        const std::type_info* const type = abi::__cxa_current_exception_type();
        if (type == nullptr) return "an exception of another language";
        int failed = 0;
        const std::unique_ptr<char, void (*)(void*)> name{
            abi::__cxa_demangle(type->name(), nullptr, nullptr, &failed), &std::free};
        return "it threw an object of type " + std::string{name ? name.get() : type->name()} +
               ", which is no std::exception";
    }
}

std::unique_ptr<HandlerHost> make_plugin_in_process(const ConsumerSettings& settings,
                                                    Surroundings& surroundings) {
    return std::make_unique<InProcess>(settings, surroundings);
}

}  // namespace weft::reliability::hub
