// Our own e^x for x <= 0 on lanes: how near it is, and that every width gives the same bits.
#include "exponential.hpp"

#include "check.hpp"
#include "memory.hpp"

using posecore::detail::exponentials_of;
using posecore::detail::Lanes;

namespace {

template <class T>
T exponential(T x) {
  exponentials_of<Lanes<T, 1>>(&x, 1);
  return x;
}

// e^x as a sum of two doubles, to 106 bits: from 60 digits of Python's decimal module.
struct Known {
  double x;
  double high;
  double low;
};
constexpr Known kKnown[] = {
    {-0x1.56e1fc2f8f359p-997, 0x1.0000000000000p+0, 0x0.0p+0},
    {-0x1.79ca10c924223p-67, 0x1.0000000000000p+0, -0x1.79ca10c924223p-67},
    {-0x1.0000000000000p-53, 0x1.fffffffffffffp-1, 0x1.0000000000000p-107},
    {-0x1.12e0be826d695p-30, 0x1.fffffff768fa1p-1, -0x1.003e3b2b92095p-55},
    {-0x1.4f8b588e368f1p-17, 0x1.fffeb07515653p-1, 0x1.a6d17a564b029p-58},
    {-0x1.61e4f765fd8aep-9, 0x1.fe9e953ac0bf4p-1, -0x1.71e91e4b25387p-57},
    {-0x1.6f0068db8bac7p-9, 0x1.fe91830047c07p-1, 0x1.09ed67b012c53p-55},
    {-0x1.47ae147ae147bp-7, 0x1.fae7cfd2b9cfep-1, -0x1.ebb3170fb8de9p-55},
    {-0x1.999999999999ap-4, 0x1.cf46d99d52b3ap-1, 0x1.d255100c4c1e2p-55},
    {-0x1.0000000000000p-2, 0x1.8ebef9eac820bp-1, -0x1.797d4686c5393p-57},
    {-0x1.5555555555555p-2, 0x1.6edd3122f2ea5p-1, -0x1.034de3382e25cp-57},
    {-0x1.0000000000000p-1, 0x1.368b2fc6f960ap-1, -0x1.85314b9559e64p-61},
    {-0x1.62e42fefa39efp-1, 0x1.0000000000000p-1, 0x1.abc9e3b39803fp-57},
    {-0x1.8000000000000p-1, 0x1.e3b40ebefcd7ep-2, 0x1.4bbf0f4cffc58p-56},
    {-0x1.bcdbd8d539c4cp-1, 0x1.ad7e613c935ddp-2, 0x1.f91f4a9eadd43p-56},
    {-0x1.0000000000000p+0, 0x1.78b56362cef38p-2, -0x1.ca8a4270fadf5p-57},
    {-0x1.8000000000000p+0, 0x1.c8f87724b5c1dp-3, 0x1.91afa497dc416p-57},
    {-0x1.0000000000000p+1, 0x1.152aaa3bf81ccp-3, -0x1.809224547b4bfp-57},
    {-0x1.5bf0a8b145769p+1, 0x1.0e49787e20548p-4, 0x1.2664621d5cbbfp-58},
    {-0x1.921f9f01b866ep+1, 0x1.62026546050afp-5, -0x1.81ad434659b55p-59},
    {-0x1.4000000000000p+2, 0x1.b993fe00d5376p-8, 0x1.c45c249149a5cp-64},
    {-0x1.e000000000000p+2, 0x1.21f9ba40f31d5p-11, -0x1.9df3b945deb50p-65},
    {-0x1.4000000000000p+3, 0x1.7cd79b5647c9bp-15, -0x1.8e936e2abd9dep-69},
    {-0x1.1400000000000p+4, 0x1.14f49dbc5078cp-25, -0x1.2db5313fb7a86p-79},
    {-0x1.e000000000000p+4, 0x1.a56e0c2ac7f75p-44, -0x1.578158e15ff84p-99},
    {-0x1.9400000000000p+5, 0x1.1ad9f47f3722ap-73, 0x1.d3923940905f6p-129},
    {-0x1.9000000000000p+6, 0x1.a8c1f14e2af5dp-145, -0x1.43089bb228e2cp-199},
    {-0x1.9040000000000p+7, 0x1.36f99bb410aedp-289, 0x1.3647ec80d2a87p-343},
    {-0x1.59ad916872b02p+8, 0x1.3971a67444e9dp-499, 0x1.1809f017977eap-553},
    {-0x1.f400000000000p+8, 0x1.9265e78d4438dp-722, 0x1.e718f4ebe34a6p-781},
    {-0x1.4500000000000p+9, 0x1.300ff6c7c2e28p-938, 0x1.3149289268fd6p-992},
};

// The distance from one double to the next, where `value` is.
double ulp_of(double value) {
  int exponent = 0;
  (void)frexp(value, &exponent);
  return fmax(ldexp(1.0, exponent - 53), ldexp(1.0, -1074));
}

// The same numbers in every width that this compiler has: `count` of them, which all widths divide.
template <class L>
void check_width(const typename L::Number* numbers, const typename L::Number* wanted, int32_t count) {
  for (int32_t i = 0; i < count; i += L::kCount) {
    typename L::Real lanes = posecore::detail::load<L>(numbers + i);
    exponentials_of<L>(&lanes, 1);
    typename L::Number values[L::kCount];
    posecore::detail::store<L>(lanes, values);
    for (int32_t lane = 0; lane < L::kCount; ++lane) {
      CHECK(values[lane] == wanted[i + lane]);
    }
  }
}

}  // namespace

TEST(exponentials_of_doubles_are_right_to_half_an_ulp_and_a_hundredth) {
  for (const Known& known : kKnown) {
    const double error = (exponential(known.x) - known.high) - known.low;
    CHECK_NEAR(error / ulp_of(known.high), 0.0, 0.51);
  }
}

TEST(exponentials_of_doubles_are_near_the_c_librarys_everywhere) {
  Numbers numbers(5);
  for (int32_t i = 0; i < 200000; ++i) {
    const double part = static_cast<double>(numbers.next()) / 4294967296.0;
    const double x = i % 2 == 0 ? -part * 746.0 : -part * part * 4.0;
    const double wanted = exp(x);
    CHECK_NEAR(exponential(x), wanted, 1.01 * ulp_of(wanted));
  }
}

TEST(exponentials_of_floats_are_right_to_one_ulp) {
  for (int32_t i = 0; i <= 105000; ++i) {
    const float x = static_cast<float>(i) * -0.001F;
    const double wanted = exp(static_cast<double>(x));
    const double ulp = fmax(ulp_of(wanted) * ldexp(1.0, 29), ldexp(1.0, -149));
    CHECK_NEAR(exponential(x), wanted, ulp);
  }
}

TEST(exponentials_end_where_numbers_do) {
  CHECK(exponential(-0.0) == 1.0 && exponential(0.0) == 1.0 && exponential(-1e-300) == 1.0);
  CHECK(exponential(-745.1332191019411) == 0x1p-1074);
  CHECK(exponential(-745.1332191019412) == 0.0);
  CHECK(exponential(-1e300) == 0.0 && exponential(-HUGE_VAL) == 0.0);
  CHECK(exponential(static_cast<double>(NAN)) == 0.0);
  CHECK(exponential(-0.0F) == 1.0F && exponential(0.0F) == 1.0F && exponential(-1e-30F) == 1.0F);
  CHECK(exponential(-103.97F) == 0x1p-149F);
  CHECK(exponential(-103.98F) == 0.0F);
  CHECK(exponential(-1e30F) == 0.0F && exponential(-HUGE_VALF) == 0.0F);
  CHECK(exponential(NAN) == 0.0F);
}

TEST(exponentials_have_the_same_bits_in_every_width) {
  constexpr int32_t kNumbers = 4096;
  Numbers numbers(11);
  const Memory<double> doubles(kNumbers);
  const Memory<double> wanted(kNumbers);
  const Memory<float> floats(kNumbers);
  const Memory<float> wanted_floats(kNumbers);
  for (int32_t i = 0; i < kNumbers; ++i) {
    doubles[i] = i % 3 == 0 ? static_cast<double>(-numbers.between(700.0F, 750.0F))
                            : -static_cast<double>(numbers.next()) / 6.0e6;
    floats[i] = i % 3 == 0 ? -numbers.between(80.0F, 106.0F) : -numbers.between(0.0F, 20.0F);
    wanted[i] = exponential(doubles[i]);
    wanted_floats[i] = exponential(floats[i]);
  }
  check_width<Lanes<double, 1>>(doubles.data(), wanted.data(), kNumbers);
  check_width<Lanes<float, 1>>(floats.data(), wanted_floats.data(), kNumbers);
#if defined(__GNUC__)
  check_width<Lanes<double, 2>>(doubles.data(), wanted.data(), kNumbers);
  check_width<Lanes<double, 4>>(doubles.data(), wanted.data(), kNumbers);
  check_width<Lanes<float, 4>>(floats.data(), wanted_floats.data(), kNumbers);
  check_width<Lanes<float, 8>>(floats.data(), wanted_floats.data(), kNumbers);
#endif
}
