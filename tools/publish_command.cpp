// weft publish: one message.

#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>

#include "fabric/message/json_form.hpp"
#include "signing/refusal.hpp"
#include "tools/command.hpp"
#include "tools/housekeeping.hpp"
#include "tools/publishing.hpp"
#include "tools/stop_signal.hpp"

namespace weft::tools {
namespace {

struct Flags {
    PublishingFlags publishing;
    std::string topic, json, data, file, content_type;
    bool raw_topic = false;
};

std::string read_all(std::istream& input) {
    return {std::istreambuf_iterator<char>(input), std::istreambuf_iterator<char>()};
}

std::string read_file(const std::string& name) {
    std::ifstream file(name, std::ios::binary);
    if (!file) throw usage_error("--file " + name + ": cannot be read");
    std::string bytes = read_all(file);
    if (file.bad()) throw usage_error("--file " + name + ": cannot be read to its end");
    return bytes;
}

fabric::Body json_body(const std::string& text, const std::string& where) {
    auto body = fabric::Body::json(text);
    if (!body) {
        throw usage_error(where + ": " + body.error() + " (use --data for text that is not JSON)");
    }
    return std::move(*body);
}

/// From a file or stdin: JSON if it is JSON and no content type says otherwise.
fabric::Body guessed_body(std::string bytes, const std::string& content_type) {
    if (!content_type.empty()) return fabric::Body::raw(std::move(bytes), content_type);
    if (auto json = fabric::Body::json(bytes)) return std::move(*json);
    return fabric::Body::raw(std::move(bytes), "");
}

fabric::Body read_body(const Flags& flags, const CLI::App& app) {
    if (app.count("--json") > 0) return json_body(flags.json, "--json");
    if (app.count("--data") > 0) {
        return flags.content_type.empty() ? fabric::Body::text(flags.data)
                                          : fabric::Body::raw(flags.data, flags.content_type);
    }
    if (app.count("--file") > 0) return guessed_body(read_file(flags.file), flags.content_type);
    return guessed_body(read_all(std::cin), flags.content_type);
}

int publish(Context& context, const Flags& flags, const CLI::App& app) {
    const fabric::Body body = read_body(flags, app);
    StopSignal stop;
    Publishing publishing(context, flags.publishing, "publish");
    const std::string topic = flags.raw_topic ? flags.topic : publishing.complete(flags.topic);
    if (auto parsed = fabric::Topic::parse(topic); !parsed) throw usage_error(parsed.error());
    const Housekeeping housekeeping(context, stop, publishing.fabric(),
                                    [&publishing] { publishing.stop_taking(); });
    publishing.await_listeners(topic, stop);
    const auto id = publishing.publish(topic, body.view());
    publishing.finish(stop);
    if (!id)
        throw CommandError(std::max<int>(stop.exit_code(), exit_failed),
                           "stopped by a signal: nothing was published");
    std::cout << id->text() << '\n';
    return exit_done;
}

}  // namespace

void add_publish(CLI::App& app, Context& context) {
    CLI::App* command = app.add_subcommand("publish", "Publish one message");
    auto flags = std::make_shared<Flags>();
    command
        ->add_option("TOPIC", flags->topic,
                     "Such as git.commit: put under <topic_prefix>.<environment> unless it "
                     "starts with the prefix")
        ->required();
    auto* body = command->add_option_group("Body", "one of them, else standard input");
    body->add_option("--json", flags->json, "A JSON value")->type_name("J");
    body->add_option("--data", flags->data, "Text")->type_name("S");
    body->add_option("--file", flags->file, "The content of a file")->type_name("F");
    body->require_option(0, 1);
    command->add_option("--content-type", flags->content_type,
                        "Of --data, --file or standard input (JSON is recognised)");
    command->add_flag("--raw-topic", flags->raw_topic, "Take TOPIC as it is");
    flags->publishing.add_to(*command);
    command->footer(
        "Prints the id of the message. Exit 1 if no relay or subscriber took it in time, or if "
        "not\n"
        "all --recipients acknowledged it: a table says who did and who did not.\n"
        "Example:  weft publish git.commit --json '{\"hash\": \"2f1c9e\", \"author\": \"ann\"}'");
    command->callback([&context, flags, command] {
        context.run = [&context, flags, command] { return publish(context, *flags, *command); };
    });
}

}  // namespace weft::tools
