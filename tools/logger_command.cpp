// weft logger: lines, one message or JSON values as messages.

#include <algorithm>
#include <iostream>
#include <memory>
#include <string>

#include "fabric/message/json_form.hpp"
#include "signing/refusal.hpp"
#include "tools/command.hpp"
#include "tools/housekeeping.hpp"
#include "tools/line_reader.hpp"
#include "tools/publishing.hpp"
#include "tools/stop_signal.hpp"

namespace weft::tools {
namespace {

struct Flags {
    PublishingFlags publishing;
    std::string topic = "log", service = "logger", message;
    bool json_input = false;
};

/// Longer lines are cut into none: they are refused, and named.
constexpr std::size_t line_bytes_max = 4 * 1024 * 1024;

fabric::Body log_body(const std::string& line) {
    // Text in other encodings is kept byte by byte, as binary.
    return fabric::json_string(line).find("\xEF\xBF\xBD") == std::string::npos
               ? fabric::Body{{"log", line}}
               : fabric::Body{{"log", fabric::Binary{line}}};
}

class Logger {
public:
    Logger(Context& context, const Flags& flags)
        : context_(context),
          flags_(flags),
          publishing_(context, flags.publishing, flags.service),
          topic_(publishing_.complete(flags.service + "." + flags.topic)) {
        if (auto parsed = fabric::Topic::parse(topic_); !parsed) throw usage_error(parsed.error());
    }

    int run(bool has_message) {
        const Housekeeping housekeeping(context_, stop_, publishing_.fabric(),
                                        [this] { publishing_.stop_taking(); });
        publishing_.await_listeners(topic_, stop_);
        if (has_message) {
            publish(flags_.json_input ? json(flags_.message, "--message")
                                      : log_body(flags_.message));
        } else if (flags_.json_input) {
            read_json();
        } else {
            read_lines();
        }
        publishing_.finish(stop_);
        if (lost_ > 0) {
            throw failure("stopped by a signal: " + std::to_string(lost_) +
                          " messages that had been read were not published");
        }
        if (bad_lines_ > 0) {
            throw usage_error(std::to_string(bad_lines_) +
                              " lines of standard input were not published (named above); the rest "
                              "was");
        }
        return stop_.exit_code();
    }

private:
    void publish(const fabric::Body& body) {
        if (!publishing_.publish(topic_, body.view())) ++lost_;
    }

    static fabric::Body json(const std::string& text, const std::string& where) {
        auto body = fabric::Body::json(text);
        if (!body) throw usage_error(where + ": " + body.error());
        return std::move(*body);
    }

    void complain(std::size_t line, const std::string& sentence) {
        ++bad_lines_;
        std::cerr << "weft logger: standard input line " << line << ": " << sentence << '\n';
    }

    bool next(std::string& line) {
        while (true) {
            switch (input_.next(line)) {
                case LineReader::Result::line:
                    return true;
                case LineReader::Result::too_long:
                    complain(input_.number(), "longer than 4 MiB");
                    continue;
                case LineReader::Result::end:
                case LineReader::Result::stopped:
                    return false;
            }
        }
    }

    void read_lines() {
        std::string line;
        while (next(line)) publish(log_body(line));
    }

    /// One JSON value a line; or, where the first line is no whole value, all of the input as one.
    void read_json() {
        std::string line;
        bool first = true;
        while (next(line)) {
            if (line.find_first_not_of(" \t") == std::string::npos) continue;
            if (auto body = fabric::Body::json(line)) {
                publish(*body);
            } else if (first) {
                read_json_from(line, body.error());
                return;
            } else {
                complain(input_.number(), body.error());
            }
            first = false;
        }
    }

    /// The first line is no JSON value. The whole input may be one; else line by line after all.
    void read_json_from(const std::string& first, const std::string& error) {
        std::size_t number = input_.number();
        const std::string rest = input_.rest();
        if (auto whole = fabric::Body::json(first + "\n" + rest)) {
            publish(*whole);
            return;
        }
        complain(number, error);
        for (std::size_t begin = 0; begin < rest.size();) {
            const std::size_t end = std::min(rest.find('\n', begin), rest.size());
            const std::string line = rest.substr(begin, end - begin);
            begin = end + 1;
            ++number;
            if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
            if (auto body = fabric::Body::json(line)) {
                publish(*body);
            } else {
                complain(number, body.error());
            }
        }
    }

    Context& context_;
    const Flags& flags_;
    Publishing publishing_;
    std::string topic_;
    StopSignal stop_;
    LineReader input_{0, stop_, line_bytes_max};
    std::size_t bad_lines_ = 0, lost_ = 0;
};

}  // namespace

void add_logger(CLI::App& app, Context& context) {
    CLI::App* command =
        app.add_subcommand("logger", "Publish the lines of standard input as messages");
    auto flags = std::make_shared<Flags>();
    command->add_option("--topic", flags->topic, "The last part of the topic")
        ->capture_default_str();
    command->add_option("--service", flags->service, "The part before it")->capture_default_str();
    command->add_option("--message", flags->message, "One message instead of standard input")
        ->type_name("M");
    command->add_flag("--json-input", flags->json_input,
                      "Standard input is JSON: one value a line, or one value in all");
    flags->publishing.add_to(*command);
    command->footer(
        "A line (or --message M) becomes the body {\"log\": line}, with the topic\n"
        "<topic_prefix>.<environment>.<service>.<topic>. Ends when everything was taken by the "
        "relay\n"
        "or the subscribers; exit 1 if that does not happen within --flush.\n"
        "With --recipients it ends when all of them have acknowledged all lines, or with the last\n"
        "deadline: then exit 1, and a table says who did and who did not.\n"
        "Example:  journalctl -f | weft logger --service web --topic journal\n"
        "          echo restart | weft logger --recipients web1,'any(db1,db2)' --ack-timeout 3s");
    command->callback([&context, flags, command] {
        context.run = [&context, flags, command] {
            return Logger(context, *flags).run(command->count("--message") > 0);
        };
    });
}

}  // namespace weft::tools
