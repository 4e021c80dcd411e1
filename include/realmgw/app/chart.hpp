// Pictures of numbers, as SVG in an HTML page: readable on a light ground and on a dark one.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rgw::app {

/// Text as HTML and XML have it.
[[nodiscard]] std::string escaped(std::string_view text);
/// "1.5k", "12", "0.05": three digits that count, and SI's letter from a thousand on.
[[nodiscard]] std::string short_number(double value);

struct Line {
  std::string name;
  std::vector<std::pair<double, double>> points;  ///< seconds, and what they are of
};
/// Lines over time, from zero; with a legend. `unit` stands at the axis.
[[nodiscard]] std::string line_chart(std::string_view unit, const std::vector<Line>& lines);

struct Bar {
  std::string name;
  double value = 0;
};
/// Bars side by side, each with its name below.
[[nodiscard]] std::string bar_chart(std::string_view unit, const std::vector<Bar>& bars);

/// What the pictures need of the page's style.
[[nodiscard]] std::string_view chart_style();

}  // namespace rgw::app
