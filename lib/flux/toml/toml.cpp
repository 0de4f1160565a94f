/* TOML to JSON, on tomlplusplus: see toml.h. */
#include "flux/toml/toml.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <sstream>
#include <string>
#include <string_view>

#define TOML_ENABLE_FORMATTERS 1
#include <toml++/toml.h>

namespace
{

void write_string(std::string &out, std::string_view s)
{
    out += '"';
    for (char c : s) {
        char hex[8];

        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20) {
            std::snprintf(hex, sizeof(hex), "\\u%04x", static_cast<unsigned>(c));
            out += hex;
        } else {
            out += c;
        }
    }
    out += '"';
}

/* JSON has no infinities: they are written as numbers that overflow to them. */
void write_real(std::string &out, double d)
{
    char buf[40];

    if (std::isnan(d)) {
        out += "null";
        return;
    }
    if (std::isinf(d)) {
        out += d < 0 ? "-1e999" : "1e999";
        return;
    }
    for (int precision = 15; precision <= 17; precision++) {
        std::snprintf(buf, sizeof(buf), "%.*g", precision, d);
        if (std::strtod(buf, nullptr) == d)
            break;
    }
    out += buf;
    if (!std::strpbrk(buf, ".e"))
        out += ".0";
}

template <typename T> void write_time(std::string &out, const T &value)
{
    std::ostringstream s;

    s << value;
    out += "{\"iso-8601-ts\":";
    write_string(out, s.str());
    out += '}';
}

void write_node(std::string &out, const toml::node &node);

void write_table(std::string &out, const toml::table &table)
{
    bool first = true;

    out += '{';
    for (auto &&[key, value] : table) {
        if (!first)
            out += ',';
        first = false;
        write_string(out, key.str());
        out += ':';
        write_node(out, value);
    }
    out += '}';
}

void write_array(std::string &out, const toml::array &array)
{
    bool first = true;

    out += '[';
    for (auto &&value : array) {
        if (!first)
            out += ',';
        first = false;
        write_node(out, value);
    }
    out += ']';
}

void write_node(std::string &out, const toml::node &node)
{
    if (auto *table = node.as_table())
        write_table(out, *table);
    else if (auto *array = node.as_array())
        write_array(out, *array);
    else if (auto *s = node.as_string())
        write_string(out, s->get());
    else if (auto *i = node.as_integer())
        out += std::to_string(i->get());
    else if (auto *d = node.as_floating_point())
        write_real(out, d->get());
    else if (auto *b = node.as_boolean())
        out += b->get() ? "true" : "false";
    else if (auto *date = node.as_date())
        write_time(out, date->get());
    else if (auto *time = node.as_time())
        write_time(out, time->get());
    else if (auto *stamp = node.as_date_time())
        write_time(out, stamp->get());
}

} // namespace

extern "C" __attribute__((visibility("default"))) char *
flux_toml_to_json(const char *text, size_t len, char *err, size_t errsize)
{
    try {
        std::string out;

        write_table(out, toml::parse(std::string_view(text, len)));
        return strdup(out.c_str());
    } catch (const toml::parse_error &e) {
        std::snprintf(err, errsize, "line %u: %s",
                      static_cast<unsigned>(e.source().begin.line),
                      std::string(e.description()).c_str());
    } catch (const std::exception &e) {
        std::snprintf(err, errsize, "%s", e.what());
    }
    return nullptr;
}
