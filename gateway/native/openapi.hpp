#pragma once
// The gateway's routes as OpenAPI 3.1: gateway/native/openapi.json, as it stood when this was
// built. A test goes through it route by route. Threads: any.

#include <string_view>

namespace weft::gateway::native {

inline constexpr std::string_view openapi_path = "/openapi.json";
[[nodiscard]] std::string_view openapi_document() noexcept;

}  // namespace weft::gateway::native
