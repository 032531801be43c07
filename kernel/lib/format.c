/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Formatted text: one pass over the format.  Each conversion is read into a struct spec, then its
 * argument is fetched by its size, and the text is laid out as
 *
 *	[spaces] [sign or 0x] [zeros] digits [spaces]
 *
 * where width decides the spaces and precision the zeros.
 */
#include "lib/format.h"
#include "lib/string.h"

/* Where the text goes; counts what does not fit. */
struct output {
	char *to;
	size_t size;
	size_t length;
};

enum size_modifier { SIZE_INT, SIZE_CHAR, SIZE_SHORT, SIZE_LONG, SIZE_LONG_LONG };

struct spec {
	bool left, zero, plus, space, alternate, upper;
	int width;
	int precision; /* -1: none given */
	enum size_modifier size;
	char conversion;
};

/* A limit on width and precision, so that the result always fits an int. */
enum { FIELD_LIMIT = 1 << 20 };

static void put(struct output *out, char c)
{
	if (out->length + 1 < out->size)
		out->to[out->length] = c;
	out->length++;
}

static void put_block(struct output *out, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		put(out, text[i]);
}

static void put_repeated(struct output *out, char c, int count)
{
	while (count-- > 0)
		put(out, c);
}

static void put_text(struct output *out, const struct spec *spec, const char *text, size_t length)
{
	int padding = spec->width - (int)length;

	if (!spec->left)
		put_repeated(out, ' ', padding);
	put_block(out, text, length);
	if (spec->left)
		put_repeated(out, ' ', padding);
}

static void put_number(struct output *out, const struct spec *spec, u64 value, unsigned int base,
		       const char *prefix)
{
	const char *digits = spec->upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[24]; /* 22 octal digits at most */
	int length = 0;
	int zeros = 0;
	int prefix_length = (int)strlen(prefix);

	for (; value; value /= base)
		text[sizeof(text) - (size_t)++length] = digits[value % base];
	if (spec->precision >= 0)
		zeros = spec->precision - length;
	else if (length == 0)
		zeros = 1;
	if (base == 8 && spec->alternate && zeros <= 0)
		zeros = 1;
	zeros = MAX(zeros, 0);
	if (spec->zero && !spec->left && spec->precision < 0)
		zeros = MAX(zeros, spec->width - length - prefix_length);

	int padding = spec->width - length - zeros - prefix_length;

	if (!spec->left)
		put_repeated(out, ' ', padding);
	put_block(out, prefix, (size_t)prefix_length);
	put_repeated(out, '0', zeros);
	put_block(out, text + sizeof(text) - length, (size_t)length);
	if (spec->left)
		put_repeated(out, ' ', padding);
}

static void put_signed(struct output *out, const struct spec *spec, s64 value)
{
	const char *sign = value < 0 ? "-" : spec->plus ? "+" : spec->space ? " " : "";

	put_number(out, spec, value < 0 ? -(u64)value : (u64)value, 10, sign);
}

static void put_string(struct output *out, const struct spec *spec, const char *text)
{
	if (!text)
		text = "(null)";
	put_text(out, spec, text,
		 spec->precision < 0 ? strlen(text) : strnlen(text, (size_t)spec->precision));
}

static const char *read_flags(struct spec *spec, const char *at)
{
	for (;; at++) {
		switch (*at) {
		case '-':
			spec->left = true;
			break;
		case '0':
			spec->zero = true;
			break;
		case '+':
			spec->plus = true;
			break;
		case ' ':
			spec->space = true;
			break;
		case '#':
			spec->alternate = true;
			break;
		default:
			return at;
		}
	}
}

static const char *read_decimal(int *value, const char *at)
{
	*value = 0;
	for (; *at >= '0' && *at <= '9'; at++)
		*value = MIN(*value * 10 + (*at - '0'), (int)FIELD_LIMIT);
	return at;
}

static const char *read_size(struct spec *spec, const char *at)
{
	switch (*at) {
	case 'h':
		spec->size = at[1] == 'h' ? SIZE_CHAR : SIZE_SHORT;
		return at + (at[1] == 'h' ? 2 : 1);
	case 'l':
		spec->size = at[1] == 'l' ? SIZE_LONG_LONG : SIZE_LONG;
		return at + (at[1] == 'l' ? 2 : 1);
	case 'z':
	case 't':
		spec->size = SIZE_LONG;
		return at + 1;
	case 'j':
		spec->size = SIZE_LONG_LONG;
		return at + 1;
	default:
		return at;
	}
}

/* va_list may be an array type; wrapped, it can be passed by address everywhere. */
struct arguments {
	va_list list;
};

/* Reads what stands between % and the conversion character, which it stores too. */
static const char *read_spec(struct spec *spec, const char *at, struct arguments *arguments)
{
	*spec = (struct spec){.precision = -1};
	at = read_flags(spec, at);
	if (*at == '*') {
		int width = va_arg(arguments->list, int);

		spec->left |= width < 0;
		spec->width = width < 0 ? (int)MIN(-(s64)width, (s64)FIELD_LIMIT)
					: MIN(width, (int)FIELD_LIMIT);
		at++;
	} else {
		at = read_decimal(&spec->width, at);
	}
	if (*at == '.' && at[1] == '*') {
		int precision = va_arg(arguments->list, int);

		spec->precision = MAX(MIN(precision, (int)FIELD_LIMIT), -1);
		at += 2;
	} else if (*at == '.') {
		at = read_decimal(&spec->precision, at + 1);
	}
	at = read_size(spec, at);
	spec->conversion = *at;
	return *at ? at + 1 : at;
}

static s64 take_signed(const struct spec *spec, struct arguments *arguments)
{
	switch (spec->size) {
	case SIZE_CHAR:
		return (signed char)va_arg(arguments->list, int);
	case SIZE_SHORT:
		return (short)va_arg(arguments->list, int);
	case SIZE_LONG:
		return va_arg(arguments->list, long);
	case SIZE_LONG_LONG:
		return va_arg(arguments->list, long long);
	case SIZE_INT:
		break;
	}
	return va_arg(arguments->list, int);
}

static u64 take_unsigned(const struct spec *spec, struct arguments *arguments)
{
	switch (spec->size) {
	case SIZE_CHAR:
		return (unsigned char)va_arg(arguments->list, unsigned int);
	case SIZE_SHORT:
		return (unsigned short)va_arg(arguments->list, unsigned int);
	case SIZE_LONG:
		return va_arg(arguments->list, unsigned long);
	case SIZE_LONG_LONG:
		return va_arg(arguments->list, unsigned long long);
	case SIZE_INT:
		break;
	}
	return va_arg(arguments->list, unsigned int);
}

static void put_hexadecimal(struct output *out, const struct spec *spec, u64 value)
{
	const char *prefix = spec->upper ? "0X" : "0x";

	put_number(out, spec, value, 16, spec->alternate && value ? prefix : "");
}

/* Prints one conversion; false if there is none of that name. */
static bool put_conversion(struct output *out, struct spec *spec, struct arguments *arguments)
{
	char c;

	switch (spec->conversion) {
	case 'd':
	case 'i':
		put_signed(out, spec, take_signed(spec, arguments));
		return true;
	case 'u':
		put_number(out, spec, take_unsigned(spec, arguments), 10, "");
		return true;
	case 'o':
		put_number(out, spec, take_unsigned(spec, arguments), 8, "");
		return true;
	case 'X':
		spec->upper = true;
		put_hexadecimal(out, spec, take_unsigned(spec, arguments));
		return true;
	case 'x':
		put_hexadecimal(out, spec, take_unsigned(spec, arguments));
		return true;
	case 'p':
		put_number(out, spec, (uintptr_t)va_arg(arguments->list, void *), 16, "0x");
		return true;
	case 'c':
		c = (char)va_arg(arguments->list, int);
		put_text(out, spec, &c, 1);
		return true;
	case 's':
		put_string(out, spec, va_arg(arguments->list, const char *));
		return true;
	case '%':
		put(out, '%');
		return true;
	default:
		return false;
	}
}

int vsnprintf(char *to, size_t size, const char *format, va_list list)
{
	struct output out = {.to = to, .size = size};
	struct arguments arguments;

	va_copy(arguments.list, list);
	while (*format) {
		struct spec spec;
		const char *start = format;

		if (*format != '%') {
			put(&out, *format++);
			continue;
		}
		format = read_spec(&spec, format + 1, &arguments);
		if (!put_conversion(&out, &spec, &arguments))
			put_block(&out, start, (size_t)(format - start));
	}
	va_end(arguments.list);
	if (size)
		to[MIN(out.length, size - 1)] = '\0';
	return (int)out.length;
}

int snprintf(char *to, size_t size, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	int length = vsnprintf(to, size, format, arguments);
	va_end(arguments);
	return length;
}

size_t kvsnprintf(char *to, size_t size, const char *format, va_list arguments)
{
	size_t length = (size_t)vsnprintf(to, size, format, arguments);

	return size == 0 ? 0 : MIN(length, size - 1);
}

size_t ksnprintf(char *to, size_t size, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	size_t length = kvsnprintf(to, size, format, arguments);
	va_end(arguments);
	return length;
}
