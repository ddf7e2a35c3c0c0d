#pragma once
// Names that people type as arguments: of certificates and of CAs.
// Threads: pure functions.

#include <string>
#include <string_view>

namespace weft::tools {

/// "", or what is wrong with the name and at which character.
[[nodiscard]] std::string name_complaint(std::string_view name);

/// Throws usage_error() that begins with `argument` (such as "--name") if the name is not valid.
void require_name(const std::string& argument, std::string_view name);

/// The nearest valid part of a name: lower-case, with '-' for what a name must not have; `fallback`
/// if nothing is left.
[[nodiscard]] std::string cleaned_name(std::string_view text, std::string_view fallback);

/// `<user>.<short host>` of this process, as a valid name.
[[nodiscard]] std::string default_name();

}  // namespace weft::tools
