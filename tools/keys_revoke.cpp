// weft keys revoke: the next revocation list of a CA, with one certificate more or merely fresh.

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "signing/identity.hpp"
#include "signing/refusal.hpp"
#include "signing/trust_store.hpp"
#include "tools/authority_files.hpp"
#include "tools/key_directory.hpp"
#include "tools/keys_command.hpp"
#include "tools/name_flag.hpp"
#include "tools/standard_output.hpp"

namespace weft::tools {
namespace {

namespace fs = std::filesystem;

struct Flags {
    std::string dir, target, reason, authority = std::string(signing::default_authority_name);
    bool refresh = false;
};

void check_usage(const Flags& flags) {
    require_name("--ca", flags.authority);
    if (flags.refresh && !(flags.target.empty() && flags.reason.empty())) {
        throw usage_error(
            "--refresh stands alone: it signs the same list again. Each revocation does that "
            "anyway");
    }
    if (flags.refresh) return;
    if (flags.target.empty()) {
        throw usage_error(
            "NAME or SERIAL is missing: say whom to revoke, or --refresh to sign the list again");
    }
    if (!read_serial(flags.target)) require_name("NAME", flags.target);
}

/// The serial of the certificate of this name, if the CA issued it.
std::uint64_t serial_of(const fs::path& file, const signing::Authority& authority) {
    const auto certificate = signing::read_certificate_file(file);
    if (!certificate) throw failure(certificate.error());
    const signing::CertificateAuthorityKey& ca = authority.public_half();
    const auto verified = signing::Certificate::verify((*certificate)->bytes(), {ca});
    if (!verified) {
        throw failure(fmt::format(
            "'{}' is not a certificate of CA '{}', so that CA's list cannot revoke it: {} Name its "
            "own CA with --ca; `weft keys show {}` may know it",
            file.string(), ca.name, signing::sentence_for(verified.error().reason),
            file.stem().string()));
    }
    return (*verified)->serial();
}

std::uint64_t find_serial(const fs::path& directory, const signing::Authority& authority,
                          const std::string& target) {
    const fs::path file = signing::certificate_file(directory, target);
    std::error_code ignored;
    const bool may_be_name = signing::name_error(target).empty();
    if (may_be_name && fs::exists(file, ignored)) return serial_of(file, authority);
    if (const auto serial = read_serial(target)) return *serial;
    throw failure("'" + directory.string() + "' has no certificate of '" + target + "' (" +
                  file.filename().string() +
                  "); if the file is gone, revoke it by its serial of 16 hexadecimal digits");
}

/// A list that this very directory would not believe revokes nothing; say so while somebody looks.
void require_believed(const fs::path& directory) {
    signing::TrustSettings settings;
    settings.directory = directory;
    const auto trust = signing::TrustStore::open(std::move(settings));
    if (trust) return;
    std::string text =
        "the list is signed and written, but whoever uses this directory does not "
        "believe it until this is put right:";
    for (const std::string& error : trust.error()) text += "\n  " + error;
    throw failure(text);
}

std::string next_update_text(signing::UtcSeconds now) {
    return time_text(now + revocation_list_days * day_seconds);
}

int refresh(const fs::path& directory, const signing::Authority& authority,
            const signing::RevocationList& list) {
    const signing::UtcSeconds now = utc_now();
    const std::uint64_t number =
        write_next_list(directory, authority, list, list.revocations(), now);
    write_out(fmt::format("signed list {} of CA {} again: {} revoked, next update {}\n", number,
                          authority.public_half().name, list.revocations().size(),
                          next_update_text(now)));
    require_believed(directory);
    return exit_done;
}

int revoke_one(const fs::path& directory, const signing::Authority& authority,
               const signing::RevocationList& list, const Flags& flags) {
    const std::uint64_t serial = find_serial(directory, authority, flags.target);
    if (const signing::Revocation* known = list.find(serial)) {
        write_out(fmt::format("serial {} is revoked already, since {} ({}); list {} is unchanged\n",
                              serial_text(serial), time_text(known->revoked_at),
                              signing::name_of(known->reason), list.number()));
        return exit_done;
    }
    const auto reason = flags.reason.empty() ? signing::RevocationReason::unspecified
                                             : signing::reason_named(flags.reason).value();
    const signing::UtcSeconds now = utc_now();
    std::vector<signing::Revocation> revocations = list.revocations();
    revocations.push_back({serial, now, reason});
    const std::uint64_t number =
        write_next_list(directory, authority, list, std::move(revocations), now);
    const std::string& ca = authority.public_half().name;
    write_out(
        fmt::format("revoked serial {} ({}): list {} of CA {}, next update {}\n"
                    "copy {} to every host; running programs take it up within a second\n",
                    serial_text(serial), signing::name_of(reason), number, ca,
                    next_update_text(now), signing::revocation_list_file(directory, ca).string()));
    require_believed(directory);
    return exit_done;
}

int revoke(Context& context, const Flags& flags) {
    check_usage(flags);
    const fs::path directory = key_directory_path(context, flags.dir);
    const DirectoryLock lock(directory);
    const auto authority = signing::Authority::load(directory, flags.authority);
    if (!authority) throw failure(authority.error());
    const auto list = authority->read_list(directory);
    if (!list) {
        throw failure(list.error() +
                      " The next list must hold everything that this one held: put back the "
                      "newest copy that a host has");
    }
    return flags.refresh ? refresh(directory, *authority, *list)
                         : revoke_one(directory, *authority, *list, flags);
}

}  // namespace

void add_keys_revoke(CLI::App& keys, Context& context) {
    CLI::App* command =
        keys.add_subcommand("revoke", "Put a certificate on its CA's list: nobody believes it");
    auto flags = std::make_shared<Flags>();
    command->add_option("NAME|SERIAL", flags->target,
                        "The name on a certificate here, or 16 hexadecimal digits");
    add_dir_flag(*command, flags->dir);
    command->add_option("--reason", flags->reason, "Why, for those who read the list")
        ->check(CLI::IsMember({"key_compromised", "superseded", "retired"}))
        ->type_name("REASON");
    command->add_option("--ca", flags->authority, "The CA that issued it")
        ->type_name("CA")
        ->capture_default_str();
    command->add_flag("--refresh", flags->refresh,
                      "Sign the same list again with a new next update");
    command->footer(
        "Each list has a number that never goes back, and is due again after 30 days: hosts warn,\n"
        "or refuse (signing.revocation_expired: fail), when theirs is older. Run --refresh from a\n"
        "monthly job where nothing is revoked.\n\n"
        "Example:\n"
        "  weft keys revoke git.host1 --reason key_compromised\n"
        "  weft keys revoke 00c5b27f11e09a3d --reason superseded\n"
        "  weft keys revoke --refresh");
    command->callback(
        [flags, &context] { context.run = [flags, &context] { return revoke(context, *flags); }; });
}

}  // namespace weft::tools
