#include "realmgw/app/chart.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace rgw::app {
namespace {

// In the picture's own units; the page scales it.
constexpr double width = 640, height = 220, left = 56, right = 12, top = 12, bottom = 28;
constexpr std::size_t colours = 6;

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", value);
  return text.data();
}

std::string attribute(std::string_view name, double value) {
  return " " + std::string{name} + "=\"" + number(value) + "\"";
}

/// The least of 1, 2, 5, 10, 20, ... that is not below.
double round_up(double value) {
  if (!(value > 0)) return 1;
  const double power = std::pow(10, std::floor(std::log10(value)));
  for (const double step : {1.0, 2.0, 5.0, 10.0})
    if (step * power >= value * (1 - 1e-9)) return step * power;
  return 10 * power;
}

struct Scale {
  double most;
  [[nodiscard]] double y(double value) const {
    return height - bottom - std::clamp(value / most, 0.0, 1.0) * (height - bottom - top);
  }
};

std::string begin(std::string_view unit) {
  return "<svg class=\"chart\" role=\"img\" viewBox=\"0 0 " + number(width) + " " + number(height) +
         "\" aria-label=\"" + escaped(unit) + "\">";
}

std::string label(double x, double y, std::string_view anchor, std::string_view text,
                  std::string_view style = "") {
  return "<text class=\"" + std::string{style} + "\"" + attribute("x", x) + attribute("y", y) +
         " text-anchor=\"" + std::string{anchor} + "\">" + escaped(text) + "</text>";
}

/// Round steps from zero to the most: four to 2, 20, ..., five to the others.
std::string grid(const Scale& scale) {
  const double digit = scale.most / std::pow(10, std::floor(std::log10(scale.most) + 1e-9));
  const int steps = std::lround(digit) == 2 ? 4 : 5;
  std::string text;
  for (int i = 0; i <= steps; ++i) {
    const double value = scale.most * i / steps;
    text += "<line class=\"grid\"" + attribute("x1", left) + attribute("x2", width - right) +
            attribute("y1", scale.y(value)) + attribute("y2", scale.y(value)) + "/>" +
            label(left - 6, scale.y(value) + 4, "end", short_number(value));
  }
  return text;
}

std::string colour(std::size_t place) {
  return "c" + std::to_string(place % colours);
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

std::string short_number(double value) {
  static constexpr std::array<std::string_view, 5> letters{"", "k", "M", "G", "T"};
  std::size_t letter = 0;
  while (std::abs(value) >= 999.5 && letter + 1 < letters.size()) {
    value /= 1000;
    ++letter;
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3g", value);
  return text.data() + std::string{letters[letter]};
}

std::string line_chart(std::string_view unit, const std::vector<Line>& lines) {
  double most = 0, last = 0;
  for (const Line& line : lines) {
    for (const auto& [at, value] : line.points) {
      most = std::max(most, value);
      last = std::max(last, at);
    }
  }
  const Scale scale{round_up(most)};
  const auto x = [last](double at) { return left + (last > 0 ? at / last : 0) * (width - left - right); };
  std::string text = begin(unit) + grid(scale);
  text += label(left, height - 8, "start", "0 s");
  text += label(width - right, height - 8, "end", short_number(last) + " s");
  text += label((left + width - right) / 2, height - 8, "middle", unit);
  std::string legend;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    std::string points;
    for (const auto& [at, value] : lines[i].points)
      points += number(x(at)) + "," + number(scale.y(value)) + " ";
    text += "<polyline class=\"" + colour(i) + "\" points=\"" + points + "\"><title>" +
            escaped(lines[i].name) + "</title></polyline>";
    legend += "<li class=\"" + colour(i) + "\">" + escaped(lines[i].name);
    if (!lines[i].points.empty()) legend += ": " + short_number(lines[i].points.back().second);
    legend += "</li>";
  }
  return text + "</svg><ul class=\"legend\">" + legend + "</ul>";
}

std::string bar_chart(std::string_view unit, const std::vector<Bar>& bars) {
  double most = 0;
  for (const Bar& bar : bars) most = std::max(most, bar.value);
  const Scale scale{round_up(most)};
  const double step = (width - left - right) / static_cast<double>(std::max<std::size_t>(bars.size(), 1));
  std::string text = begin(unit) + grid(scale);
  for (std::size_t i = 0; i < bars.size(); ++i) {
    const double at = left + step * static_cast<double>(i);
    const double y = scale.y(bars[i].value);
    text += "<rect class=\"bar\"" + attribute("x", at + step * 0.1) + attribute("y", y) +
            attribute("width", step * 0.8) + attribute("height", height - bottom - y) + "><title>" +
            escaped(bars[i].name) + ": " + short_number(bars[i].value) + "</title></rect>" +
            label(at + step / 2, height - 10, "middle", bars[i].name, "small");
  }
  return text + "</svg>";
}

std::string_view chart_style() {
  return R"(
.chart { width: 100%; max-width: 48rem; height: auto; display: block; }
.chart text { fill: var(--quiet); font: 11px system-ui, sans-serif; }
.chart text.small { font-size: 9px; }
.chart .grid { stroke: var(--rule); stroke-width: 1; }
.chart polyline { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; }
.chart .bar { fill: var(--c0); }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 0 1.2rem; margin: 0.2rem 0 0; padding: 0 0 0 3.5rem; }
.legend li::before { content: "\25A0\00A0"; }
.c0 { color: var(--c0); } .c1 { color: var(--c1); } .c2 { color: var(--c2); }
.c3 { color: var(--c3); } .c4 { color: var(--c4); } .c5 { color: var(--c5); }
)";
}

}  // namespace rgw::app
