#pragma once
// Checks JSON against a schema, by the words that gateway/native/openapi.json uses: type, required,
// properties, items, enum, additionalProperties, oneOf, minimum, maximum, $ref. An unknown word is
// an error, so that nothing stands in the document that nobody checks.
// Threads: pure functions.

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

namespace weft::support {

class JsonSchema {
public:
    /// `document` is where $refs begin; it outlives this.
    explicit JsonSchema(const nlohmann::json& document) : document_(document) {}

    /// What `{"$ref": "#/a/b"}` stands for; anything else stands for itself. Throws where there is
    /// nothing.
    [[nodiscard]] const nlohmann::json& resolved(const nlohmann::json& part) const {
        if (!part.is_object() || !part.contains("$ref")) return part;
        const std::string ref = part["$ref"];
        return resolved(document_.at(nlohmann::json::json_pointer(ref.substr(1))));
    }

    /// "" or what is wrong, and where.
    [[nodiscard]] std::string check(const nlohmann::json& value, const nlohmann::json& of,
                                    const std::string& at = "$") const {
        const nlohmann::json& schema = resolved(of);
        for (const auto& [word, unused] : schema.items()) {
            if (!words().contains(word)) return at + ": the schema says '" + word + "'";
        }
        if (schema.contains("oneOf")) return check_one_of(value, schema["oneOf"], at);
        if (schema.contains("type") && !is_of(value, schema["type"])) {
            return at + ": " + value.dump().substr(0, 80) + " is no " + schema["type"].dump();
        }
        if (schema.contains("enum")) {
            const auto& known = schema["enum"];
            if (std::find(known.begin(), known.end(), value) == known.end()) {
                return at + ": " + value.dump() + " is none of " + known.dump();
            }
        }
        if (value.is_number()) {
            if (schema.contains("minimum") && value < schema["minimum"]) return at + ": too small";
            if (schema.contains("maximum") && value > schema["maximum"]) return at + ": too large";
        }
        if (value.is_array() && schema.contains("items")) {
            for (std::size_t i = 0; i < value.size(); ++i) {
                auto wrong = check(value[i], schema["items"], at + "[" + std::to_string(i) + "]");
                if (!wrong.empty()) return wrong;
            }
        }
        return value.is_object() ? check_members(value, schema, at) : "";
    }

    [[nodiscard]] static const std::set<std::string>& words() {
        static const std::set<std::string> known{
            "type",  "required", "properties", "items", "enum",       "additionalProperties",
            "oneOf", "minimum",  "maximum",    "$ref",  "description"};
        return known;
    }

private:
    [[nodiscard]] std::string check_one_of(const nlohmann::json& value,
                                           const nlohmann::json& choices,
                                           const std::string& at) const {
        std::string why;
        int fitting = 0;
        for (const auto& choice : choices) {
            const std::string wrong = check(value, choice, at);
            fitting += wrong.empty() ? 1 : 0;
            why += wrong.empty() ? "" : "; " + wrong;
        }
        if (fitting == 1) return "";
        return at + ": " + std::to_string(fitting) + " of oneOf fit" + why;
    }

    [[nodiscard]] std::string check_members(const nlohmann::json& value,
                                            const nlohmann::json& schema,
                                            const std::string& at) const {
        for (const auto& name : schema.value("required", nlohmann::json::array())) {
            if (!value.contains(name.get<std::string>())) return at + ": no " + name.dump();
        }
        const auto& known = schema.contains("properties") ? schema["properties"] : none_;
        const auto& others =
            schema.contains("additionalProperties") ? schema["additionalProperties"] : anything_;
        for (const auto& [name, member] : value.items()) {
            std::string wrong;
            if (known.contains(name)) {
                wrong = check(member, known[name], at + "." + name);
            } else if (others.is_object()) {
                wrong = check(member, others, at + "." + name);
            } else if (others == false) {
                wrong = at + ": nothing is said of '" + name + "'";
            }
            if (!wrong.empty()) return wrong;
        }
        return "";
    }

    [[nodiscard]] static bool is_of(const nlohmann::json& value, const nlohmann::json& type) {
        if (type.is_array()) {
            return std::any_of(type.begin(), type.end(),
                               [&](const auto& one) { return is_of(value, one); });
        }
        if (type == "object") return value.is_object();
        if (type == "array") return value.is_array();
        if (type == "string") return value.is_string();
        if (type == "integer") return value.is_number_integer();
        if (type == "number") return value.is_number();
        if (type == "boolean") return value.is_boolean();
        return type == "null" && value.is_null();
    }

    const nlohmann::json& document_;
    const nlohmann::json none_ = nlohmann::json::object(), anything_ = true;
};

}  // namespace weft::support
