/* SPDX-License-Identifier: BSD-2-Clause */
/* The battery clock (MC146818), behind two ports.  Taken to run in UTC. */
#include "arch/clock.h"
#include "acpi.h"
#include "x86.h"

enum {
	CMOS_INDEX = 0x70,
	CMOS_DATA = 0x71,
	RTC_SECOND = 0,
	RTC_MINUTE = 2,
	RTC_HOUR = 4,
	RTC_DAY = 7,
	RTC_MONTH = 8,
	RTC_YEAR = 9,
	RTC_STATUS_A = 10,
	RTC_STATUS_B = 11,
	STATUS_A_UPDATING = 0x80,
	STATUS_B_24_HOURS = 2,
	STATUS_B_BINARY = 4,
	HOUR_PM = 0x80,
	UPDATE_SPIN = 100000,
	READ_ATTEMPTS = 10,
};

struct rtc_fields {
	u8 second, minute, hour, day, month, year, century;
};

static u8 cmos_read(u8 index)
{
	port_write8(CMOS_INDEX, index);
	return port_read8(CMOS_DATA);
}

static struct rtc_fields read_fields(void)
{
	return (struct rtc_fields){
		.second = cmos_read(RTC_SECOND),
		.minute = cmos_read(RTC_MINUTE),
		.hour = cmos_read(RTC_HOUR),
		.day = cmos_read(RTC_DAY),
		.month = cmos_read(RTC_MONTH),
		.year = cmos_read(RTC_YEAR),
		.century = acpi_info.century != 0 ? cmos_read(acpi_info.century) : 0,
	};
}

static bool same(const struct rtc_fields *a, const struct rtc_fields *b)
{
	return a->second == b->second && a->minute == b->minute && a->hour == b->hour &&
	       a->day == b->day && a->month == b->month && a->year == b->year;
}

static u32 number(u8 value, u8 status_b)
{
	return status_b & STATUS_B_BINARY ? value : (u32)(value >> 4) * 10 + (value & 15);
}

/* Days from 1970-01-01 to a date of the Gregorian calendar; years begin in March, so that the leap
 * day comes last. */
static s64 days_since_epoch(u32 year, u32 month, u32 day)
{
	u32 y = month <= 2 ? year - 1 : year, m = month <= 2 ? month + 9 : month - 3;

	return (s64)y * 365 + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + day - 1 - 719468;
}

static time_t to_seconds(const struct rtc_fields *fields, u8 status_b)
{
	u32 hour = number(fields->hour & (u8)~HOUR_PM, status_b),
	    century = number(fields->century, status_b);
	u32 year = number(fields->year, status_b), month = number(fields->month, status_b);
	u32 day = number(fields->day, status_b);

	if (!(status_b & STATUS_B_24_HOURS))
		hour = hour % 12 + (fields->hour & HOUR_PM ? 12 : 0);
	year += century >= 19 && century <= 22 ? century * 100 : year < 70 ? 2000 : 1900;
	if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23)
		return 0;
	return days_since_epoch(year, month, day) * 86400 + hour * 3600 +
	       number(fields->minute, status_b) * 60 + number(fields->second, status_b);
}

/* Two readings that agree were not torn by an update. */
time_t clock_read_rtc(void)
{
	u8 status_b = cmos_read(RTC_STATUS_B);

	if (status_b == 0xff)
		return 0;
	for (int attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
		struct rtc_fields first, second;
		for (int spin = 0;
		     spin < UPDATE_SPIN && (cmos_read(RTC_STATUS_A) & STATUS_A_UPDATING); spin++)
			cpu_relax();
		first = read_fields();
		second = read_fields();
		if (same(&first, &second))
			return to_seconds(&first, status_b);
	}
	return 0;
}
