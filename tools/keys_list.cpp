// weft keys list: every certificate and CA of a directory of keys.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fabric/message/json_form.hpp"
#include "tools/key_directory.hpp"
#include "tools/key_report.hpp"
#include "tools/keys_command.hpp"
#include "tools/standard_output.hpp"
#include "tools/table.hpp"

namespace weft::tools {
namespace {

using fabric::Value;

struct Flags {
    std::string dir;
    bool json = false;
};

std::string as_text(const KeyDirectory& directory, signing::UtcSeconds now) {
    std::string text;
    if (!directory.certificates.empty()) {
        Rows rows = {{"NAME", "SERIAL", "ROLES", "NOT AFTER", "STATE", "MAY PUBLISH"}};
        for (const FoundCertificate& found : directory.certificates) {
            const signing::Certificate& certificate = *found.certificate;
            rows.push_back({certificate.name(), serial_text(certificate.serial()),
                            signing::roles_text(certificate.roles()),
                            time_text(certificate.not_after()),
                            std::string(name_of(directory.judge(certificate, now).state)),
                            globs_text(certificate)});
        }
        text += table(rows) + "\n";
    }
    if (directory.authorities.empty()) {
        return text +
               "no CA is here, so nobody is believed: copy a CA's .ca and .revoked here, or make "
               "one with `weft keys ca`\n";
    }
    Rows rows = {{"CA", "LIST", "REVOKED", "NEXT UPDATE", "PRIVATE KEY"}};
    for (const KnownAuthority& authority : directory.authorities) {
        const std::string key = authority.has_key_here ? "here" : "elsewhere";
        if (!authority.list) {
            rows.push_back({authority.key.name, "none", "-", "-", key});
            continue;
        }
        const bool overdue = authority.list->next_update() < now;
        rows.push_back({authority.key.name, std::to_string(authority.list->number()),
                        std::to_string(authority.list->revocations().size()),
                        time_text(authority.list->next_update()) + (overdue ? " (overdue)" : ""),
                        key});
    }
    return text + table(rows);
}

std::string as_json(const KeyDirectory& directory, signing::UtcSeconds now) {
    Value::List authorities, certificates, problems;
    for (const KnownAuthority& authority : directory.authorities) {
        authorities.push_back(authority_value(authority, now));
    }
    for (const FoundCertificate& found : directory.certificates) {
        certificates.push_back(certificate_value(directory, found, now));
    }
    for (const std::string& problem : directory.problems) problems.emplace_back(problem);
    return fabric::to_json(Value::Map{{"directory", directory.path.string()},
                                      {"authorities", std::move(authorities)},
                                      {"certificates", std::move(certificates)},
                                      {"problems", std::move(problems)}}) +
           "\n";
}

int list(Context& context, const Flags& flags) {
    const KeyDirectory directory = KeyDirectory::read(key_directory_path(context, flags.dir));
    const signing::UtcSeconds now = utc_now();
    write_out(flags.json ? as_json(directory, now) : as_text(directory, now));
    if (directory.problems.empty()) return exit_done;
    std::string text = "not everything here is usable:";
    for (const std::string& problem : directory.problems) text += "\n  " + problem;
    throw failure(text);
}

}  // namespace

void add_keys_list(CLI::App& keys, Context& context) {
    CLI::App* command =
        keys.add_subcommand("list", "The certificates and CAs of a directory, and their state");
    auto flags = std::make_shared<Flags>();
    add_dir_flag(*command, flags->dir);
    command->add_flag("--json", flags->json, "One JSON object with every field");
    command->footer(
        "A state is what a receiver that trusts this directory thinks: valid, not_yet_valid,\n"
        "expired, revoked, or not_believed (no CA here issued it, or its signature is bad;\n"
        "`weft keys show NAME` says which). A file that is not usable ends it with exit code 1.\n\n"
        "Example:\n"
        "  weft keys list --json | jq -r '.certificates[] | select(.state != \"valid\").name'");
    command->callback(
        [flags, &context] { context.run = [flags, &context] { return list(context, *flags); }; });
}

}  // namespace weft::tools
